"""Lexer: a sentence to tokens of the grammar, and a problem for every word that is not one."""

from __future__ import annotations

from dataclasses import replace

from trading_assets.errors import Problem
from trading_assets.screener.english.complaints import unfulfilled
from trading_assets.screener.english.in_context import in_context, names_volume, over_days
from trading_assets.screener.english.lexemes import capital_articles, lexemes
from trading_assets.screener.english.pieces import Lexeme
from trading_assets.screener.english.quantities.amount_words import amount_at
from trading_assets.screener.english.quantities.periods import other_period, unknown_period
from trading_assets.screener.english.suggestions import TICKER, closest, symbols_alone, told
from trading_assets.screener.english.tokens import Token
from trading_assets.screener.english.unheld import other_extreme, run_together
from trading_assets.screener.english.vocabulary import Entry, Refusal, Vocabulary, vocabulary

MOST_HELPED = 8
"""Unknown words of a sentence for which the nearest known ones are looked up."""
_LIST_SIGNS = frozenset({"OR", "AND", "COMMA", "NOR"})
_IN_LIST = _LIST_SIGNS | {"VALUE", "STRING", "EQ", "NEQ", "NOT", "NEITHER", "LPAR"}
_NEVER_SYMBOLS = _LIST_SIGNS | {
    "EQ",
    "NEQ",
    "NOT",
    "NEITHER",
    "LPAR",
    "RPAR",
    "BUT",
    "SORT",
    "TOP",
    "FIELD",
    "TEXTFIELD",
}
_INTRODUCES = frozenset(
    {"with", "w/", "where", "that", "which", "who", "whose", "having", "have", "has", "either"}
)
_NARROWS = frozenset(
    {"only", "just", "currently", "also", "either", "both", "still", "any", "anything", "some"}
)
"""Words that change what a "not" before them says: "not only energy" excludes nothing."""
_AFTER_LOWER_CASE = frozenset({",", "or", "and", "nor", "but", ")", "sorted", "top", "bottom"})
_SAID_OF_FIELD = frozenset(
    {
        "CMP",
        "BETWEEN",
        "FROM",
        "WITHIN",
        "CROSS",
        "CROSSED",
        "TURNED",
        "SIGN",
        "MOVE",
        "GREW",
        "NOT",
        "EQ",
        "NEQ",
    }
)
_BEFORE_PERIOD = frozenset({"NUMBER", "PERCENT", "MULT", "SUFFIX", "GREW", "FIELD"})
_BEST = {"best": True, "worst": False}


def tokens(sentence: str) -> tuple[list[Token], list[Problem]]:
    """Cut a sentence into tokens; fillers leave at most a note on what they introduce, unknown words are problems."""
    reader = _Reader(sentence, vocabulary())
    named = symbols_alone(reader.pieces, sentence, reader.known)
    if named is not None:
        return [], [named]
    reader.read()
    return reader.found, reader.problems


def fillers(sentence: str) -> list[tuple[int, int]]:
    """Return the stretches of a sentence that say nothing: without any one of them it means the same.

    "with", "that" and their like are not among them: they say that a condition begins anew.
    """
    reader = _Reader(sentence, vocabulary())
    reader.read()
    return reader.passed_over


class _Reader:
    def __init__(self, sentence: str, known: Vocabulary) -> None:
        self.sentence = sentence
        self.known = known
        self.pieces = lexemes(sentence)
        self.place = 0
        self.found: list[Token] = []
        self.problems: list[Problem] = []
        self.passed_over: list[tuple[int, int]] = []
        self._unknown: list[Lexeme] = []
        self._symbols: int | None = None
        self._articles = capital_articles(sentence)
        self._led = ""
        self._both: Token | None = None

    def read(self) -> None:
        while self.place < len(self.pieces):
            self._pass_articles(self.pieces[self.place].start)
            if self._quoted() or self._ticker() or self._not_held():
                continue
            match = self.known.longest(self.pieces, self.place)
            if match and self._may_be_symbol(*match):
                self._quote(self.pieces[self.place])
                self.place += 1
            elif self._symbol_in_numbers():
                continue
            elif match:
                self._phrase(*match)
            elif not self._number():
                self._unknown.append(self.pieces[self.place])
                self.place += 1
        self._flush()
        self._pass_articles(len(self.sentence))
        if (dangling := unfulfilled(self.found, self._led, self.sentence)) is not None:
            self.problems.append(dangling)

    def _add(self, terminal: str, meaning: object, count: int) -> Token:
        self._flush()
        first, last = self.pieces[self.place], self.pieces[self.place + count - 1]
        token = Token(terminal, meaning, first.start, last.end, self.sentence[first.start : last.end])
        self.place += count
        if terminal == "FILLER":
            said = token.text.lower()
            if said not in _INTRODUCES:
                self.passed_over.append((token.start, token.end))
            if said in _INTRODUCES and self._led != "either":
                self._led = said
            self._both = token if said == "both" else self._both
        else:
            self._check_both(token)
            self.found.append(replace(token, led=self._led))
            self._count_symbols(token)
            self._led = ""
        return token

    def _check_both(self, token: Token) -> None:
        # "MACD above its signal and both above 0" says it of two fields, and the grammar would take one
        if self._both is not None and token.terminal in _SAID_OF_FIELD:
            message = f'"{self._both.text}" of which fields? Write a condition for each'
            self.problems.append(self._both.problem(message))
        self._both = None

    def _quoted(self) -> bool:
        piece = self.pieces[self.place]
        if piece.kind == "quoted":
            self._add("STRING", piece.text, 1)
        return piece.kind == "quoted"

    def _ticker(self) -> bool:
        piece, listed = self.pieces[self.place], self._symbols_before()
        if piece.kind != "word" or listed is None or self._unknown:
            return False
        match = TICKER.match(self.sentence, piece.start)
        if match is None or self.known.longest(self.pieces, self.place) is not None:
            return False
        text = match.group()
        count = sum(1 for later in self.pieces[self.place :] if later.start < match.end())
        after = self.pieces[self.place + count] if self.place + count < len(self.pieces) else None
        # in small letters the first only, and only where the list goes on or ends: "AAPL or cheep" is a slip of the pen
        if not text.isupper() and (listed or (after is not None and after.text not in _AFTER_LOWER_CASE)):
            return False
        self._add("VALUE", ("symbol", text.upper()), count)
        return True

    def _may_be_symbol(self, entry: Entry, count: int) -> bool:
        # "symbol is AAPL, ON": in capitals among symbols, a word of the screener may be one
        piece = self.pieces[self.place]
        if self._symbols is None or not piece.raw.isupper() or entry.terminal in _NEVER_SYMBOLS:
            return False
        if TICKER.fullmatch(piece.raw) is None or (count > 1 and entry.terminal != "FILLER"):
            return False
        if self.found and self.found[-1].terminal == "TEXTFIELD" and entry.terminal == "FILLER":
            after = self.pieces[self.place + 1] if self.place + 1 < len(self.pieces) else None
            in_list = piece.raw == "IN" and after is not None and after.text == "("
            return not (piece.raw == "IS" or in_list or self.sentence.isupper())
        return True

    def _symbol_in_numbers(self) -> bool:
        # "symbol is AAPL, SIX"
        piece = self.pieces[self.place]
        is_word = piece.kind == "number" and piece.raw.isalpha() and piece.raw.isupper()
        if self._symbols is None or not is_word:
            return False
        self._quote(piece)
        self.place += 1
        return True

    def _quote(self, piece: Lexeme) -> None:
        message = f'"{piece.raw}": a word of the screener: put the symbol into quotes'
        self.problems.append(Problem(piece.start, piece.end, piece.raw, message, (f'"{piece.raw}"',)))

    def _pass_articles(self, end: int) -> None:
        while self._articles and self._articles[0].start < end:
            article = self._articles.pop(0)
            if self._symbols is not None:
                self._quote(article)

    def _symbols_before(self) -> int | None:
        # how many symbols the list has that the next word may belong to; None if there is no such list
        joined = bool(self.found) and self.found[-1].terminal in _LIST_SIGNS
        return self._symbols if self._symbols is not None and joined == bool(self._symbols) else None

    def _count_symbols(self, token: Token) -> None:
        if (token.terminal, token.meaning) == ("TEXTFIELD", "symbol"):
            self._symbols = 0
        elif token.terminal not in _IN_LIST or self._symbols is None:
            self._symbols = None
        elif token.terminal == "STRING" or (
            isinstance(token.meaning, tuple) and token.meaning[0] == "symbol"
        ):
            self._symbols += 1
        elif token.terminal == "VALUE":
            self._symbols = None

    def _phrase(self, entry: Entry, count: int) -> None:
        if isinstance(entry.meaning, Refusal):
            entry = in_context(self.known, self.pieces, self.place, count, self.found) or entry
        if entry.terminal == "PERIODLESS":
            self._periodless(str(entry.meaning), count)
            return
        if entry.terminal == "FIELD" and self._other_period(str(entry.meaning), count):
            return
        after = [piece.text for piece in self.pieces[self.place + count : self.place + count + 2]]
        count += 2 if entry.terminal == "FIELD" and after == ["(", ")"] else 0  # "rsi() < 30"
        before = self.found[-1] if self.found else None
        terminal = "IN" if self._begins_period(count) else entry.terminal
        if before is not None and before.terminal == "NUMBER" and self.pieces[self.place].text == "share":
            terminal = "PERSHARE" if count == 1 else terminal
        token = self._add(terminal, entry.meaning, count)
        if isinstance(entry.meaning, Refusal) and self._counts_best(token, before):
            return
        if isinstance(entry.meaning, Refusal):
            self.found.pop()
            message, suggestions = entry.meaning.message, entry.meaning.suggestions
            suggestions = over_days(token.text, before) or suggestions
            self.problems.append(token.problem(f'"{token.text}": {message}', suggestions))
        if self._on_that_day(token, before):
            message = f'"{token.text}": of that session, or of the last one? Say it of each condition'
            self.problems.append(
                token.problem(message, ("up 5% yesterday and relative volume 1 session ago > 3",))
            )
        if before is not None and before.terminal in {"NOT", "NEQ", "NEITHER"} and entry.terminal == "FILLER":
            said = self.sentence[before.start : token.end]
            if token.text.lower() in _NARROWS:
                message = f'"{said}": what is excluded? Say it without "{token.text}"'
                self.problems.append(Problem(before.start, token.end, said, message, ()))

    def _on_that_day(self, token: Token, before: Token | None) -> bool:
        # as in: up 20% yesterday on 5x normal volume
        if before is None or before.terminal not in {"YESTERDAY", "BACK"}:
            return False
        said = token.text.lower()
        return said in {"on", "with"} and names_volume(self.known, self.pieces, self.place)

    def _counts_best(self, token: Token, before: Token | None) -> bool:
        # "worst 5 ... of the last month" are ranked by their return, and "best" alone by nothing
        best = _BEST.get(token.text.lower())
        after = self.pieces[self.place] if self.place < len(self.pieces) else None
        numbered = (before is not None and before.terminal == "NUMBER") or (
            after is not None and after.kind == "number"
        )
        if best is None or not numbered:
            return False
        self.found[-1] = replace(token, terminal="PERF", meaning=best)
        return True

    def _begins_period(self, count: int) -> bool:
        # the "in" of "up 10% in a week" or "doubled in six months", which elsewhere says nothing
        before = self.found[-1].terminal if self.found else ""
        after = self.place + count
        if self.pieces[self.place].text != "in" or count > 1 or before not in _BEFORE_PERIOD:
            return False
        after += 1 if after < len(self.pieces) and self.pieces[after].kind == "number" else 0
        match = self.known.longest(self.pieces, after) if after < len(self.pieces) else None
        return match is not None and match[0].terminal == "SPAN"

    def _number(self) -> bool:
        read = amount_at(self.pieces, self.place)
        if not read:
            return self._sign()
        for terminal, meaning, count in read:
            self._add(terminal, meaning, count)
        return True

    def _sign(self) -> bool:
        if (
            self.pieces[self.place].text == "-"
            and self.found
            and self.found[-1].terminal in {"NUMBER", "PERCENT"}
        ):
            self._add("TO", None, 1)
            return True
        if self.pieces[self.place].text in {".", "?", "!"} and self.place == len(self.pieces) - 1:
            self._add("FILLER", None, 1)
            return True
        return False

    def _not_held(self) -> bool:
        # "20 day high", "ema9"
        is_symbol = self._symbols is not None
        told = None if is_symbol else other_extreme(self.sentence, self.pieces, self.place, self.known)
        told = told or run_together(self.pieces, self.place, self.known)
        if told is None:
            return False
        problem, count = told
        self._flush()
        self.problems.append(problem)
        self.place += count
        return True

    def _periodless(self, base: str, count: int) -> None:
        problem, end, kept = unknown_period(
            self.sentence, self.pieces, (self.place, self.place + count), self.found, base
        )
        self.found = kept
        self._flush()
        self.problems.append(problem)
        self.place = end

    def _other_period(self, name: str, count: int) -> bool:
        problem = other_period(self.sentence, self.pieces, self.place, count, name)
        if problem is None:
            return False
        self._flush()
        self.problems.append(problem)
        self.place += count + 3
        return True

    def _flush(self) -> None:
        if not self._unknown:
            return
        first, last = self._unknown[0], self._unknown[-1]
        text = self.sentence[first.start : last.end]
        place = self.place - len(self._unknown)
        near: tuple[str, ...] = ()
        if len(self.problems) < MOST_HELPED:  # looking for what was meant takes milliseconds
            near = closest([piece.text for piece in self.pieces], place, self.place, self.known)
        message, meant = told(self._unknown, text, near, listed=bool(self._symbols_before()))
        self.problems.append(Problem(first.start, last.end, text, message, meant))
        self._unknown = []

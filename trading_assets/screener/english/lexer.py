"""Lexer: a sentence to tokens of the grammar, and a problem for every word that is not one."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from trading_assets.errors import Problem
from trading_assets.screener.english.amounts import MAGNITUDES, Amount, AmountUnit
from trading_assets.screener.english.complaints import unfulfilled
from trading_assets.screener.english.lexemes import Lexeme, capital_articles, lexemes
from trading_assets.screener.english.suggestions import closest
from trading_assets.screener.english.tokens import Token
from trading_assets.screener.english.vocabulary import Entry, Refusal, Vocabulary, vocabulary
from trading_assets.screener.fields import FIELDS

MOST_HELPED = 8
"""Unknown words of a sentence for which the nearest known ones are looked up."""
_TICKER = re.compile(r"[A-Za-z]{1,5}(?:[.-][A-Za-z]{1,2})?(?!\w)")
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
_INTRODUCES = frozenset({"with", "where", "that", "which", "who", "whose", "having", "have", "has", "either"})
_NARROWS = frozenset({"only", "just", "currently", "also", "either", "both"})
"""Words that change what a "not" before them says: "not only energy" excludes nothing."""
_AFTER_LOWER_CASE = frozenset({",", "or", "and", "nor", "but", ")", "sorted", "top", "bottom"})
UNIT_WORDS: dict[tuple[str, ...], AmountUnit] = {
    ("%",): "%", ("percent",): "%", ("pct",): "%", ("per", "cent"): "%",
    ("bps",): "bps", ("bp",): "bps", ("basis", "points"): "bps",
    ("x",): "x", ("times",): "x", ("*",): "x",
    ("dollars",): "$", ("dollar",): "$", ("usd",): "$", ("bucks",): "$",
}  # fmt: skip
_TERMINALS: dict[AmountUnit, str] = {
    "%": "PERCENT",
    "bps": "PERCENT",
    "x": "MULT",
    "$": "NUMBER",
    "": "NUMBER",
}


def tokens(sentence: str) -> tuple[list[Token], list[Problem]]:
    """Cut a sentence into tokens; fillers leave at most a note on what they introduce, unknown words are problems."""
    reader = _Reader(sentence, vocabulary())
    reader.read()
    return reader.found, reader.problems


class _Reader:
    def __init__(self, sentence: str, known: Vocabulary) -> None:
        self.sentence = sentence
        self.known = known
        self.pieces = lexemes(sentence)
        self.place = 0
        self.found: list[Token] = []
        self.problems: list[Problem] = []
        self._unknown: list[Lexeme] = []
        self._symbols: int | None = None
        self._articles = capital_articles(sentence)
        self._led = ""

    def read(self) -> None:
        while self.place < len(self.pieces):
            self._pass_articles(self.pieces[self.place].start)
            if self._quoted() or self._ticker():
                continue
            match = self.known.longest(self.pieces, self.place)
            if match and self._may_be_symbol(*match):
                self._quote(self.pieces[self.place])
                self.place += 1
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
            if said in _INTRODUCES and self._led != "either":
                self._led = said
        else:
            self.found.append(replace(token, led=self._led))
            self._count_symbols(token)
            self._led = ""
        return token

    def _quoted(self) -> bool:
        piece = self.pieces[self.place]
        if piece.kind == "quoted":
            self._add("STRING", piece.text, 1)
        return piece.kind == "quoted"

    def _ticker(self) -> bool:
        piece, listed = self.pieces[self.place], self._symbols_before()
        if piece.kind != "word" or listed is None or self._unknown:
            return False
        match = _TICKER.match(self.sentence, piece.start)
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
        if _TICKER.fullmatch(piece.raw) is None or (count > 1 and entry.terminal != "FILLER"):
            return False
        if self.found and self.found[-1].terminal == "TEXTFIELD" and entry.terminal == "FILLER":
            after = self.pieces[self.place + 1] if self.place + 1 < len(self.pieces) else None
            in_list = piece.raw == "IN" and after is not None and after.text == "("
            return not (piece.raw == "IS" or in_list or self.sentence.isupper())
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
        if entry.terminal == "PERIODLESS":
            self._periodless(str(entry.meaning), count)
            return
        if entry.terminal == "FIELD" and self._other_period(str(entry.meaning), count):
            return
        before = self.found[-1] if self.found else None
        token = self._add(entry.terminal, entry.meaning, count)
        if isinstance(entry.meaning, Refusal):
            self.found.pop()
            message, suggestions = entry.meaning.message, entry.meaning.suggestions
            self.problems.append(token.problem(f'"{token.text}": {message}', suggestions))
        if before is not None and before.terminal in {"NOT", "NEQ", "NEITHER"} and entry.terminal == "FILLER":
            said = self.sentence[before.start : token.end]
            if token.text.lower() in _NARROWS:
                message = f'"{said}": what is excluded? Say it without "{token.text}"'
                self.problems.append(Problem(before.start, token.end, said, message, ()))

    def _number(self) -> bool:
        place, negative, unit = self.place, False, ""
        while place < len(self.pieces) and self.pieces[place].text in {"-", "minus", "$", "+"}:
            sign = self.pieces[place].text
            if (sign == "$" and unit) or (sign != "$" and not self._leads(place)):
                return self._sign()
            unit, negative = "$" if sign == "$" else unit, negative != (sign in {"-", "minus"})
            place += 1
        if place == len(self.pieces) or self.pieces[place].kind != "number":
            return self._sign()
        number = Decimal(self.pieces[place].text)
        place += 1
        magnitude = 0
        if place < len(self.pieces) and self.pieces[place].text in MAGNITUDES:
            magnitude = MAGNITUDES[self.pieces[place].text]
            place += 1
        for words, named in UNIT_WORDS.items():
            if tuple(piece.text for piece in self.pieces[place : place + len(words)]) == words:
                if unit and unit != named:
                    return False
                unit, place = named, place + len(words)
                break
        amount = Amount(number.copy_negate() if negative else number, unit, magnitude)  # type: ignore[arg-type] # one of the units above
        self._add(_TERMINALS[amount.unit], amount, place - self.place)
        after = self.pieces[place] if place < len(self.pieces) else None
        if after is not None and after.text == "+" and after.start == self.pieces[place - 1].end:
            self._add("SUFFIX", ">=", 1)
        return True

    def _leads(self, place: int) -> bool:
        # a sign of the number after it, not a dash between two numbers
        touches_next = (
            place + 1 < len(self.pieces) and self.pieces[place].end == self.pieces[place + 1].start
        ) or self.pieces[place].kind == "word"
        before = self.pieces[place - 1] if place else None
        touches_before = before is not None and before.end == self.pieces[place].start
        return touches_next and not (touches_before and before is not None and before.kind != "sign")

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

    def _periodless(self, base: str, count: int) -> None:
        start = self.pieces[self.place].start
        end_place = self.place + count
        for shape in (("(", None, ")"), (None,)):
            window = self.pieces[end_place : end_place + len(shape)]
            if len(window) == len(shape) and all(
                piece.kind == "number" if want is None else piece.text == want
                for piece, want in zip(window, shape, strict=True)
            ):
                end_place += len(shape)
                break
        before = [*self.found]
        if before and before[-1].terminal == "SPAN":
            before.pop()
        if before and before[-1].terminal == "NUMBER":
            start, self.found = before[-1].start, before[:-1]
        known = tuple(field.label for field in FIELDS.values() if field.name.startswith(f"{base}_"))
        text = self.sentence[start : self.pieces[end_place - 1].end]
        self._flush()
        self.problems.append(
            Problem(start, start + len(text), text, f'"{text}": there are only {", ".join(known)}', known)
        )
        self.place = end_place

    def _other_period(self, name: str, count: int) -> bool:
        window = self.pieces[self.place + count : self.place + count + 3]
        shape = [piece.text if piece.kind == "sign" else piece.kind for piece in window]
        if shape != ["(", "number", ")"]:
            return False
        start, end = self.pieces[self.place].start, window[-1].end
        label = FIELDS[name].label
        self._flush()
        text = self.sentence[start:end]
        self.problems.append(
            Problem(
                start, end, text, f'"{text}": there is only {label}, {FIELDS[name].description}', (label,)
            )
        )
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
        symbol = _TICKER.fullmatch(text) is not None
        if symbol and self._symbols_before():
            near = (text.upper(), *near)
        elif symbol and text.isupper():
            near = (f"symbol is {text}", *near)
        meant = f": did you mean {' or '.join(near)}?" if near else " is not a word of the screener"
        self.problems.append(Problem(first.start, last.end, text, f'"{text}"{meant}', near))
        self._unknown = []

"""Words in context: what a word means only beside some others, which alone is asked back."""

from __future__ import annotations

from decimal import Decimal

from trading_assets.screener.english.pieces import Lexeme
from trading_assets.screener.english.quantities.amount_words import amount_at
from trading_assets.screener.english.quantities.amounts import Amount
from trading_assets.screener.english.tokens import Token
from trading_assets.screener.english.vocabulary import Entry, Vocabulary
from trading_assets.screener.english.words import RETURN, RISING, SIZED, SIZED_NOUNS
from trading_assets.screener.fields import FIELDS

_BEFORE_SIZE = frozenset({"CMP", "BY", "OF", "BETWEEN"})
_SIZES = frozenset({"PERCENT", "SUFFIX"})
_OF_SEVERAL = frozenset({"FOR", "EACH", "INROW"})
_VOLUMES = frozenset({"volume", "volume_sma_20", "volume_ratio", "unusual volume"})
_SHARES = 1000
"""From so many on, a number without a unit is one of shares."""


def _ways(table: dict[str, str]) -> dict[str, str]:
    return {word: way for way, words in table.items() for word in words.split(" | ")}


_AVERAGES = frozenset({"average", "avg"})
_DEGREES = {
    "higher": ">",
    "more": ">",
    "bigger": ">",
    "lower": "<",
    "less": "<",
    "smaller": "<",
    "fewer": "<",
}
_STRONG = {"strongest": True, "weakest": False}
_SIDES = {"higher": ">", "lower": "<"}
_PLAIN_RETURNS = frozenset({"return", "returns"})
_RETURNS = frozenset(RETURN.split(" | "))
_SIZED, _NOUNS, _RISING = _ways(SIZED), _ways(SIZED_NOUNS), _ways(RISING)


def in_context(
    known: Vocabulary, pieces: list[Lexeme], place: int, count: int, found: list[Token]
) -> Entry | None:
    """Return what a refused phrase means beside what stands around it; None where it stays refused.

    Parameters
    ----------
    known
        The words of the screener.
    pieces, place, count
        The sentence, and the phrase in it.
    found
        Tokens before the phrase.
    """
    said, after = " ".join(piece.text for piece in pieces[place : place + count]), place + count
    for reading in (_vol, _average, _degree, _strong, _cheaper, _return, _direction, _value, _move):
        entry = reading(known, pieces, after, said, found)
        if entry is not None:
            return entry
    return None


def _vol(known: Vocabulary, pieces: list[Lexeme], after: int, said: str, found: list[Token]) -> Entry | None:
    # as in: vol > 1m, vol > 40%, on 3x vol, over 1m vol
    if said != "vol":
        return None
    counted = bool(found) and _counts_shares(found[-1])
    field = _volume_or_volatility(known, pieces, after) or ("volume" if counted else None)
    return Entry("FIELD", field, said) if field else None


def _average(
    _known: Vocabulary, _pieces: list[Lexeme], _after: int, said: str, found: list[Token]
) -> Entry | None:
    # "volume 2.5x average"
    about = [token.meaning for token in found[-4:] if token.terminal == "FIELD"]
    is_times = bool(found) and found[-1].terminal == "MULT" and about[-1:] == ["volume"]
    return Entry("USUAL", None, said) if said in _AVERAGES and is_times else None


def _degree(
    known: Vocabulary, pieces: list[Lexeme], after: int, said: str, _found: list[Token]
) -> Entry | None:
    # "lower volume than yesterday"
    match = known.longest(pieces, after) if said in _DEGREES and after < len(pieces) else None
    if match is None or match[0].terminal != "FIELD":
        return None
    is_compared = _terminal(known, pieces, after + match[1]) == "THAN"
    return Entry("DEGREE", _DEGREES[said], said) if is_compared else None


def _strong(
    known: Vocabulary, pieces: list[Lexeme], after: int, said: str, found: list[Token]
) -> Entry | None:
    # as in: strongest 20 by 6-month return, strongest momentum
    if said not in _STRONG:
        return None
    counted = bool(found) and found[-1].terminal == "NUMBER"
    is_order = counted or _terminal(known, pieces, after) in {"NUMBER", "FIELD"}
    return Entry("EXTREME", _STRONG[said], said) if is_order else None


def _cheaper(
    known: Vocabulary, pieces: list[Lexeme], after: int, said: str, _found: list[Token]
) -> Entry | None:
    # "cheaper than 10 times earnings", not than another company
    is_number = said == "cheaper than" and _terminal(known, pieces, after) in {"NUMBER", "MULT"}
    return Entry("CMP", "<", said) if is_number else None


def _return(
    known: Vocabulary, pieces: list[Lexeme], after: int, said: str, found: list[Token]
) -> Entry | None:
    # "performance over the last month", but not "a 10% gain in the last month"
    sized = bool(found) and found[-1].terminal in _SIZES
    is_dated = said in _RETURNS and not sized and _terminal(known, pieces, after) in {"LAST", "TODAY"}
    return Entry("RETURN", None, said) if is_dated else None


def _direction(
    known: Vocabulary, pieces: list[Lexeme], after: int, said: str, found: list[Token]
) -> Entry | None:
    # "volume rising for 3 days"
    is_dated = said in _RISING and _goes_one_way(known, pieces, after, found)
    return Entry("RISING", _RISING[said], said) if is_dated else None


def _value(
    known: Vocabulary, pieces: list[Lexeme], after: int, said: str, _found: list[Token]
) -> Entry | None:
    # as in: RSI below its value 10 days ago
    if said != "value" or after >= len(pieces):
        return None
    match = known.longest(pieces, after + 1) if after + 1 < len(pieces) else None
    is_ago = pieces[after].kind == "number" and match is not None and match[0].terminal == "SPAN"
    is_then = is_ago or _terminal(known, pieces, after) == "YESTERDAY"
    return Entry("FILLER", None, said) if is_then else None


def _move(known: Vocabulary, pieces: list[Lexeme], after: int, said: str, found: list[Token]) -> Entry | None:
    # a word for a move with its size after it, or before it
    way = _SIZED.get(said) or _NOUNS.get(said)
    is_over = bool(found) and found[-1].terminal in {"FIELD", "SPAN"}  # "20 day return above 5%"
    if way and not (said in _NOUNS and is_over) and _is_size(known, pieces, after):
        return Entry("RETURN" if said in _PLAIN_RETURNS else "MOVE", way, said)
    if said in {**_NOUNS, **_SIDES} and found and found[-1].terminal in _SIZES:
        return Entry("MOVED", way or _SIDES[said], said)
    return None


def _counts_shares(token: Token) -> bool:
    amount = token.meaning
    return token.terminal == "MULT" or (
        token.terminal == "NUMBER" and isinstance(amount, Amount) and amount.magnitude > 0 and not amount.unit
    )


def _volume_or_volatility(known: Vocabulary, pieces: list[Lexeme], place: int) -> str | None:
    # "vol > 1m" are shares, "vol > 40%" is a yearly deviation, "vol > 40" could be either
    found = amount_at(pieces, _after_comparison(known, pieces, place))
    amount = found[0][1] if found else None
    if not isinstance(amount, Amount):
        return "volume" if names_volume(known, pieces, place) else None
    if amount.unit == "%":
        return "volatility_20"
    counts = not amount.unit and (amount.magnitude > 0 or amount.number >= Decimal(_SHARES))
    return "volume" if counts else None


def over_days(said: str, before: Token | None) -> tuple[str, ...]:
    """Return how a direction is said of the field before it: "20-day average falling"."""
    way = _RISING.get(said.lower())
    if way is None or before is None or before.terminal != "FIELD":
        return ()
    label = FIELDS[str(before.meaning)].label
    return f"{label} {way} {label} 5 sessions ago", f"{label} {said.lower()} for 3 days"


def names_volume(known: Vocabulary, pieces: list[Lexeme], place: int) -> bool:
    """Say whether what is compared at a place, after signs and amounts, is the volume: "over 5x normal volume"."""
    at = _after_comparison(known, pieces, place)
    if at < len(pieces) and amount_at(pieces, at):
        at += amount_at(pieces, at)[0][2]
    match = known.longest(pieces, at) if at < len(pieces) else None
    return match is not None and match[0].meaning in _VOLUMES


def _goes_one_way(known: Vocabulary, pieces: list[Lexeme], after: int, found: list[Token]) -> bool:
    # "volume rising for 3 days", "rising volume for 3 days"
    if found and found[-1].terminal == "FIELD":
        return _says_how_long(known, pieces, after)
    match = known.longest(pieces, after) if after < len(pieces) else None
    is_field = match is not None and match[0].terminal == "FIELD"
    return is_field and match is not None and _says_how_long(known, pieces, after + match[1])


def _says_how_long(known: Vocabulary, pieces: list[Lexeme], place: int) -> bool:
    if place < len(pieces) and pieces[place].kind == "number":
        match = known.longest(pieces, place + 1) if place + 1 < len(pieces) else None
        return match is not None and match[0].terminal in {"SPAN", "INROW"}
    return _terminal(known, pieces, place) in _OF_SEVERAL


def _is_size(known: Vocabulary, pieces: list[Lexeme], after: int) -> bool:
    # as in: by more than 10%, 5-10%
    at = _after_comparison(known, pieces, after)
    found = amount_at(pieces, at) if at < len(pieces) else []
    end = at + found[0][2] if found else at
    if found and found[0][0] == "NUMBER" and end < len(pieces) and pieces[end].text in {"-", "to", "and"}:
        found = amount_at(pieces, end + 1) if end + 1 < len(pieces) else []
    return bool(found) and found[0][0] == "PERCENT"


def _after_comparison(known: Vocabulary, pieces: list[Lexeme], place: int) -> int:
    while place < len(pieces):
        match = known.longest(pieces, place)
        if match is None or match[0].terminal not in _BEFORE_SIZE:
            break
        place += match[1]
    return place


def _terminal(known: Vocabulary, pieces: list[Lexeme], place: int) -> str:
    if place >= len(pieces):
        return ""
    match = known.longest(pieces, place)
    if match is not None:
        return match[0].terminal
    found = amount_at(pieces, place)
    return found[0][0] if found else ""

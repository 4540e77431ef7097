"""Tense: which session a condition is said of by its verb, and from which side something was crossed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trading_assets.screener.english.quantities.amounts import Amount
from trading_assets.screener.english.tokens import Token

_BREAKS = frozenset({"AND", "OR", "BUT", "COMMA", "NOR"})


@dataclass(frozen=True, slots=True)
class Held:
    """Over how many sessions a condition holds in each; ``in_row`` says that it was said so, and not only "for"."""

    count: Amount
    span: int
    in_row: bool
    of_one: bool = False
    """Whether it can only be said of the condition before it: "and has been above 60 for 5 days"."""


def crossings(found: list[Token]) -> list[Token]:
    """Read "crossed 30 from below" as "crossed above 30", which "crossed above 30 from below" says twice."""
    kept = list(found)
    for place, token in enumerate(found):
        if token.terminal not in {"CROSSED", "CROSS"}:
            continue
        for later in found[place + 1 :]:
            if later.terminal in _BREAKS | {"CROSSED", "CROSS"}:
                break
            if later.terminal == "SIDE" and token.meaning in {None, later.meaning}:
                kept[kept.index(token)] = replace(token, terminal="CROSS", meaning=later.meaning)
                kept.remove(later)
                break
    return kept


def past(found: list[Token]) -> list[Token]:
    """Read "was" of the session that is named after it, of the whole condition, and "has been" of the sessions that are.

    Alone, "was" and "has been" say less than they seem to: they are kept, and no rule of the grammar allows them.
    """
    kept = list(found)
    for token in found:
        if token.terminal not in {"WAS", "BEEN"}:
            continue
        place = kept.index(token)
        first, last = _clause(kept, place)
        then = [later for later in kept[place:last] if later.terminal in _TIMES[token.terminal]]
        if len(then) == 1:
            at = kept.index(then[0])
            kept[at] = _of_one(then[0]) if token.terminal == "BEEN" else replace(then[0], terminal="THEN")
            del kept[place]
        elif (
            not then
            and token.terminal == "WAS"
            and any(one.terminal in _TIMES["WAS"] for one in kept[first:place])
        ):
            del kept[place]  # "RSI yesterday was below 30"
    return kept


def _of_one(token: Token) -> Token:
    return (
        replace(token, meaning=replace(token.meaning, of_one=True))
        if isinstance(token.meaning, Held)
        else token
    )


_TIMES = {"WAS": frozenset({"AGO", "YESTERDAY"}), "BEEN": frozenset({"HELD"})}


def _clause(found: list[Token], place: int) -> tuple[int, int]:
    breaks = [at for at, token in enumerate(found) if token.terminal in _BREAKS]
    return max((at + 1 for at in breaks if at < place), default=0), min(
        (at for at in breaks if at > place), default=len(found)
    )

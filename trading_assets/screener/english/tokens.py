"""Tokens: what the grammar reads, each a terminal with its meaning and its place in the sentence."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.errors import Problem


@dataclass(frozen=True, slots=True)
class Token:
    """One terminal of the grammar: what it means, and the characters ``start`` to ``end`` that it was written with."""

    terminal: str
    meaning: object
    start: int
    end: int
    text: str
    led: str = ""
    """The word without a meaning of its own that introduces it: with, where, that, either, ..."""

    def problem(self, message: str, suggestions: tuple[str, ...] = ()) -> Problem:
        """Describe what is wrong with it."""
        return Problem(self.start, self.end, self.text, message, suggestions)


def made(terminal: str, meaning: object, said: list[Token], sentence: str) -> Token:
    """Return a token for all that was said."""
    first, last = said[0], said[-1]
    return Token(terminal, meaning, first.start, last.end, sentence[first.start : last.end], first.led)

"""Pieces: what a sentence is cut into before any of it means something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LexemeKind = Literal["word", "number", "sign", "quoted"]


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One piece: ``text`` is normal (lower case, plain signs; a quoted text as it is), ``raw`` what was typed."""

    kind: LexemeKind
    text: str
    start: int
    end: int
    raw: str

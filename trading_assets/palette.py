"""Palette: the colours of charts and reports in the light and in the dark theme, chosen to be told apart without hue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Colours by meaning; ``up`` is always the lighter of gain and loss in print, and shapes or signs repeat it.

    ``ramp`` goes from nothing wrong to worst, in even steps away from the page's background.
    """

    up: str
    down: str
    flat: str
    line: str
    accent: str
    violet: str
    rose: str
    text: str
    muted: str
    grid: str
    paper: str
    note: str
    ramp: tuple[str, str, str, str, str, str]


LIGHT = Palette(
    up="#12a06f", down="#c9303e", flat="#667085", line="#1d5fbf", accent="#c46a0a", violet="#8b4fc0",
    rose="#b8336a", text="#17202e", muted="#5d6879", grid="#e4e8ee", paper="#ffffff", note="#f0d878",
    ramp=("#d3e5f5", "#ece6cb", "#f2b04a", "#dc5a35", "#a3183c", "#4a0a20"),
)  # fmt: skip
DARK = Palette(
    up="#35c48f", down="#f0616d", flat="#8b98a9", line="#5b9cf0", accent="#e39a3b", violet="#b389e0",
    rose="#e56fa0", text="#e3e8ef", muted="#9aa6b5", grid="#222d38", paper="#0e141b", note="#7d7030",
    ramp=("#1c3d5a", "#45473a", "#b07d2c", "#e0703a", "#f8717f", "#ffd3da"),
)  # fmt: skip


def palette(theme: ThemeName) -> Palette:
    """Return the colours of one theme."""
    return DARK if theme == "dark" else LIGHT

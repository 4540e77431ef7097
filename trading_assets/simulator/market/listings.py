"""Synthetic listings: one row per company or fund, drawn from the seed alone; names and tickers are invented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SECTORS: dict[str, tuple[str, ...]] = {
    "Communication Services": ("Interactive Media", "Telecom Services", "Entertainment"),
    "Consumer Discretionary": ("Specialty Retail", "Restaurants", "Automobiles", "Apparel"),
    "Consumer Staples": ("Packaged Foods", "Beverages", "Household Products"),
    "Energy": ("Oil & Gas Exploration", "Oilfield Services", "Pipelines"),
    "Financials": ("Regional Banks", "Insurance", "Asset Management", "Payments"),
    "Health Care": ("Biotechnology", "Medical Devices", "Pharmaceuticals", "Health Services"),
    "Industrials": ("Machinery", "Aerospace & Defense", "Airlines", "Building Products"),
    "Information Technology": ("Semiconductors", "Application Software", "IT Services", "Hardware"),
    "Materials": ("Specialty Chemicals", "Metals & Mining", "Containers"),
    "Real Estate": ("Industrial REITs", "Residential REITs", "Retail REITs"),
    "Utilities": ("Electric Utilities", "Gas Utilities", "Water Utilities"),
}
SECTOR_NAMES = tuple(SECTORS)
SECTOR_WEIGHTS = (0.05, 0.12, 0.07, 0.05, 0.15, 0.15, 0.14, 0.14, 0.05, 0.05, 0.03)


@dataclass(frozen=True)
class Fund:
    """An exchange-traded fund: its loadings on the market and on one sector, daily noise of its own."""

    symbol: str
    name: str
    beta: float
    sector: int
    loading: float
    noise: float


FUNDS = (
    Fund("SPY", "Simulated 500 Fund", 1.0, 0, 0.0, 0.0002),
    Fund("QQQ", "Simulated Growth 100 Fund", 1.1, 7, 0.6, 0.002),
    Fund("IWM", "Simulated Small Company Fund", 1.15, 4, 0.1, 0.004),
    *(
        Fund(symbol, f"Simulated {SECTOR_NAMES[sector]} Fund", 1.0, sector, 1.0, 0.0005)
        for symbol, sector in zip(
            ("XLC", "XLY", "XLP", "XLE", "XLF", "XLV", "XLI", "XLK", "XLB", "XLRE", "XLU"),
            range(len(SECTOR_NAMES)),
            strict=True,
        )
    ),
)

_ONSETS = ("B", "C", "D", "F", "G", "H", "J", "K", "L", "M", "N", "P", "R", "S", "T", "V", "W", "Z", "Br", "Cr",
           "Dr", "Fl", "Gr", "Pl", "Qu", "St", "Tr", "Th")  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u", "ae", "ia", "io", "ea")
_CODAS = ("", "l", "n", "r", "s", "x", "m", "nd", "rt", "ll", "v")
_SUFFIXES = (
    " Inc.",
    " Corporation",
    " Holdings",
    " Group",
    " Technologies",
    " Partners",
    " & Co.",
    " Industries",
)


def company_names(seed: int, count: int) -> list[tuple[str, str]]:
    """Draw ``count`` different (ticker, name) pairs; a longer list begins with the shorter one."""
    rng = np.random.default_rng([seed, 11])
    taken = {fund.symbol for fund in FUNDS}
    drawn: list[tuple[str, str]] = []
    while len(drawn) < count:
        pick = rng.integers(0, 2**31, size=8)
        name = "".join(
            _ONSETS[pick[n] % len(_ONSETS)]
            + _VOWELS[pick[n + 1] % len(_VOWELS)]
            + _CODAS[pick[n + 2] % len(_CODAS)]
            for n in (0, 3)
        ).capitalize()
        ticker = _ticker(name, int(pick[6]), taken)
        taken.add(ticker)
        drawn.append((ticker, name + _SUFFIXES[pick[7] % len(_SUFFIXES)]))
    return drawn


def _ticker(name: str, pick: int, taken: set[str]) -> str:
    letters = name.upper()
    consonants = letters[0] + "".join(letter for letter in letters[1:] if letter not in "AEIOU")
    for candidate in (consonants[:3], letters[:3], consonants[:4], letters[:4]):
        if len(candidate) >= 2 and candidate not in taken:
            return candidate
    while True:
        candidate = letters[:2] + "".join(chr(65 + pick // 26**power % 26) for power in (0, 1))
        if candidate not in taken:
            return candidate
        pick += 1

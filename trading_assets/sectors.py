"""Sectors: the eleven of the Global Industry Classification Standard, with what vendors and people call them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sector:
    """One sector: its name in the lake, how Yahoo writes it, and other words for all of it (not for one industry of it)."""

    name: str
    yahoo: str
    aliases: tuple[str, ...]


# fmt: off
SECTORS: tuple[Sector, ...] = (
    Sector("Communication Services", "Communication Services", ("communication", "communications", "communication service")),
    Sector("Consumer Discretionary", "Consumer Cyclical", ("discretionary", "consumer cyclicals")),
    Sector("Consumer Staples", "Consumer Defensive", ("staples", "consumer staple", "consumer defensives")),
    Sector("Energy", "Energy", ("oil and gas", "oil & gas")),
    Sector("Financials", "Financial Services", ("financial", "finance", "financial service")),
    Sector("Health Care", "Healthcare", ("health", "medical")),
    Sector("Industrials", "Industrials", ("industrial", "industrial goods")),
    Sector("Information Technology", "Technology", ("tech", "it", "technologies", "technology companies")),
    Sector("Materials", "Basic Materials", ("material", "basic material")),
    Sector("Real Estate", "Real Estate", ("property", "realty")),
    Sector("Utilities", "Utilities", ("utility",)),
)
# fmt: on

OF_VENDOR: dict[str, str] = {sector.yahoo: sector.name for sector in SECTORS}
"""Name of a sector by the vendor's word for it; words that are not here stay as they are."""

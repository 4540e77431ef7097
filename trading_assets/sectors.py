"""Sectors: the eleven of the Global Industry Classification Standard, with what vendors and people call them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sector:
    """One sector: its name in the lake, how Yahoo writes it, and other words for it (singular, lower case)."""

    name: str
    yahoo: str
    aliases: tuple[str, ...]


# fmt: off
SECTORS: tuple[Sector, ...] = (
    Sector("Communication Services", "Communication Services", ("communication", "communications", "telecom", "telecommunications", "media")),
    Sector("Consumer Discretionary", "Consumer Cyclical", ("discretionary", "cyclical", "consumer cyclicals", "retail")),
    Sector("Consumer Staples", "Consumer Defensive", ("staples", "defensive", "consumer defensives", "consumer goods")),
    Sector("Energy", "Energy", ("oil and gas", "oil & gas", "oil")),
    Sector("Financials", "Financial Services", ("financial", "finance", "bank", "banks", "banking", "financial service")),
    Sector("Health Care", "Healthcare", ("health", "medical", "pharma", "pharmaceutical", "pharmaceuticals")),
    Sector("Industrials", "Industrials", ("industrial", "industry goods", "manufacturing")),
    Sector("Information Technology", "Technology", ("tech", "it", "software and hardware", "technologies")),
    Sector("Materials", "Basic Materials", ("material", "basic material", "mining", "chemicals")),
    Sector("Real Estate", "Real Estate", ("property", "reit", "reits", "realty")),
    Sector("Utilities", "Utilities", ("utility",)),
)
# fmt: on

OF_VENDOR: dict[str, str] = {sector.yahoo: sector.name for sector in SECTORS}
"""Name of a sector by the vendor's word for it; words that are not here stay as they are."""

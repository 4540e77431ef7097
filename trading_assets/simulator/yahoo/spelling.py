"""Yahoo's spelling of symbols: share classes with a dash, BRK-B for BRK.B, and nothing with a dot."""

from __future__ import annotations

from trading_assets.simulator.market.tape import TapeMarket


def as_yahoo(symbol: str) -> str:
    """Return Yahoo's spelling of a symbol."""
    return symbol.replace(".", "-")


def of_market(market: TapeMarket, spelled: str) -> str:
    """Return the market's symbol behind Yahoo's spelling; no symbol at all for one that Yahoo does not write."""
    dotted = spelled.replace("-", ".")
    if dotted in market.places:
        return dotted if spelled == as_yahoo(dotted) else ""
    return spelled

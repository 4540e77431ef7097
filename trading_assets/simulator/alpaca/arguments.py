"""Arguments of Alpaca's data protocol: text from a URL becomes a checked value, or Alpaca's complaint."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.market.tape import TapeMarket
from trading_assets.simulator.wire import whole_number

_SYMBOL = re.compile(r"[A-Z]{1,6}([./-][A-Z]{1,4})?")
_TIMEFRAME = re.compile(r"([1-9][0-9]?)(Min|T|Hour|H|Day|D|Week|W|Month|M)")
_ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})
_FEEDS = frozenset({"sip", "iex", "otc", "boats", "overnight", "delayed_sip"})


class WrongArgumentError(Exception):
    """A request that Alpaca answers with 400 and a message."""


def symbols(market: TapeMarket, text: str) -> list[str]:
    """Return the symbols of a list, sorted, each once."""
    found = sorted({symbol for symbol in text.split(",") if symbol})
    if not found:
        raise WrongArgumentError("symbol list is empty")
    for symbol in found:
        if symbol not in market.places and not _SYMBOL.fullmatch(symbol):
            raise WrongArgumentError(f"invalid symbol: {symbol}")
    return found


def timeframe_minutes(text: str) -> int | None:
    """Return the width of a window in minutes; None for whole days."""
    found = _TIMEFRAME.fullmatch(text)
    number, unit = (int(found[1]), found[2]) if found else (0, "")
    if unit in {"Day", "D"} and number == 1:
        return None
    if unit in {"Min", "T"} and number <= 59:
        return number
    if unit in {"Hour", "H"} and number <= 23:
        return 60 * number
    raise WrongArgumentError(f"invalid timeframe: {text} (this market has minutes, hours and 1Day)")


def adjustments(text: str) -> frozenset[str]:
    """Return what prices are adjusted for: of split, dividend and spin-off."""
    wanted = frozenset(text.split(","))
    if not wanted <= _ADJUSTMENTS:
        raise WrongArgumentError(f"invalid adjustment: {text}")
    return frozenset({"split", "dividend", "spin-off"}) if "all" in wanted else wanted - {"raw"}


def feed(text: str) -> str:
    """Return the name of a feed."""
    if text not in _FEEDS:
        raise WrongArgumentError(f"invalid feed: {text}")
    return text


def limit(text: str | None, default: int, highest: int) -> int:
    """Return the size of a page."""
    found = whole_number(text, default, 0, highest + 1)
    if found is None or not 1 <= found <= highest:
        raise WrongArgumentError(f"limit must be between 1 and {highest}")
    return found


def instant(text: str, name: str) -> datetime:
    """Return an instant; a date means its midnight in New York."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), NEW_YORK)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongArgumentError(f"invalid {name}: {text}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)

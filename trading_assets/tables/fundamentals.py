"""Registry of the fundamental ratios: each one's column of `key_statistics`, unit, range, names, and how the price moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trading_assets.indicators.feature import ANY, POSITIVE, Range


@dataclass(frozen=True)
class Fundamental:
    """One column of ``daily_features`` that comes from a column of ``key_statistics``.

    ``moves`` says how the price since the snapshot changes the value: ``with_price`` (price / earnings),
    ``against_price`` (dividend / price) or ``not``.
    """

    name: str
    description: str
    unit: str
    source_column: str
    moves: Literal["with_price", "against_price", "not"] = "not"
    valid_range: Range = ANY
    aliases: tuple[str, ...] = ()


# fmt: off
FUNDAMENTALS: dict[str, Fundamental] = {
    item.name: item
    for item in (
        Fundamental("pe", "Price / earnings per share of the last four quarters; null without earnings", "ratio", "trailing_pe", "with_price", POSITIVE, ("P/E", "p/e ratio", "pe ratio", "price to earnings", "price to earnings ratio", "price earnings ratio", "trailing pe", "price to earnings multiple", "price/earnings", "earnings multiple")),
        Fundamental("pb", "Price / book value per share", "ratio", "price_to_book", "with_price", ANY, ("P/B", "p/b ratio", "pb ratio", "price to book", "price to book ratio", "price book ratio", "price/book", "price to book value")),
        Fundamental("ps", "Market capitalisation / revenue of the last four quarters", "ratio", "price_to_sales", "with_price", ANY, ("P/S", "p/s ratio", "ps ratio", "price to sales", "price to sales ratio", "price sales ratio", "price/sales")),
        Fundamental("peg", "Price/earnings / expected growth in percent", "ratio", "peg_ratio", "with_price", ANY, ("PEG", "peg ratio", "price earnings to growth", "price to earnings growth", "price/earnings to growth", "pe to growth")),
        Fundamental("roe", "Net income of the last four quarters / average equity", "fraction", "return_on_equity_frac", "not", ANY, ("ROE", "return on equity")),
        Fundamental("debt_to_equity", "Debt / equity, last quarter", "ratio", "debt_to_equity", "not", ANY, ("debt to equity", "debt equity", "d/e", "debt to equity ratio", "debt/equity", "debt equity ratio")),
        Fundamental("dividend_yield", "Expected cash dividends of a year / price", "fraction", "dividend_yield_frac", "against_price", POSITIVE, ("dividend yield", "yield", "dividend", "dividends", "div yield", "yielding", "yields", "paying", "pays", "pay", "div", "divi")),
        Fundamental("market_cap", "Market capitalisation", "USD", "market_cap_usd", "with_price", POSITIVE, ("market cap", "marketcap", "mkt cap", "market capitalisation", "market capitalization", "mcap", "market value", "mktcap")),
        Fundamental("revenue_growth", "Revenue of the last quarter against the same quarter a year before", "fraction", "revenue_growth_frac", "not", ANY, ("revenue growth", "sales growth", "growth of revenue", "growth in revenue", "rev growth", "quarterly revenue growth", "quarterly sales growth", "top line growth", "revenue growth rate")),
        Fundamental("eps_growth", "Earnings per share of the last quarter against a year before", "fraction", "earnings_growth_frac", "not", ANY, ("EPS growth", "earnings growth", "earnings per share growth", "earnings growth rate", "quarterly earnings growth", "quarterly EPS growth")),
        Fundamental("margin", "Net income / revenue of the last four quarters", "fraction", "profit_margin_frac", "not", ANY, ("profit margin", "net margin", "net profit margin", "profit margins", "net margins")),
    )
}
"""Every fundamental ratio by name, in the order of the table's columns."""
# fmt: on

AGE_COLUMN = "fundamentals_age_days"
"""Calendar days from the date of the snapshot that the ratios come from to the session; null where there is none."""

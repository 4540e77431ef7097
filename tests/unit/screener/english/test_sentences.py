"""Sentences that people type: each with the tree it means, or with what is said about the part that was not understood."""

# fmt: off
# ruff: noqa: RUF001 - people type these signs

from __future__ import annotations

import pytest

from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.parse import parse, understand
from trading_assets.screener.english.wording import describe, write
from trading_assets.screener.filters import (
    And,
    Between,
    Comparison,
    Cross,
    Filter,
    In,
    Not,
    Or,
    Query,
    Sort,
    Term,
)


def of(field: str, ago: int = 0, factor: float = 1.0) -> Term:
    return Term(field=field, sessions_ago=ago, factor=factor)


def is_(field: str, operator, value: float | Term, ago: int = 0, *, each: int = 1) -> Filter:
    return Comparison(field=field, operator=operator, value=value, sessions_ago=ago, in_each=each)


def between(field: str, low: float, high: float) -> Filter:
    return Between(field=field, low=low, high=high)


def cross(field: str, direction, value: float | Term, within: int = 1) -> Filter:
    return Cross(field=field, direction=direction, value=value, within=within)


def one_of(field: str, *values: str) -> Filter:
    return In(field=field, values=values)


def all_(*filters: Filter) -> Filter:
    return And(filters=filters)


def any_(*filters: Filter) -> Filter:
    return Or(filters=filters)


def not_(node: Filter) -> Filter:
    return Not(filter=node)


def ordered(where: Filter | None, field: str = "", *, descending: bool = True, top: int | None = None) -> Query:
    return Query(where=where, sort=Sort(field=field, descending=descending) if field else None, top=top)


UNDERSTOOD = [
    ("P/E under 15 and dividend yield above 3%", all_(is_("pe", "<", 15), is_("dividend_yield", ">", 0.03))),
    ("tech stocks with market cap over $10B and revenue growth more than 20%", all_(one_of("sector", "Information Technology"), is_("market_cap", ">", 1e10), is_("revenue_growth", ">", 0.2))),
    ("RSI below 30 and price above the 200-day moving average", all_(is_("rsi_14", "<", 30), is_("close", ">", of("sma_200")))),
    ("20 SMA crossing above 50 SMA", cross("sma_20", "above", of("sma_50"))),
    ("20-day average volume above 500,000", is_("volume_sma_20", ">", 500000)),
    ("relative volume above 2", is_("volume_ratio", ">", 2)),
    ("within 5% of 52 week low", is_("close", "<=", of("low_252", 0, 1.05))),
    ("MarketCap > 100m and MarketCap < 1b", all_(is_("market_cap", ">", 100000000), is_("market_cap", "<", 1000000000))),
    ("(Price > 1 and Price < 10) or Price > 20", any_(all_(is_("close", ">", 1), is_("close", "<", 10)), is_("close", ">", 20))),
    ("Return on equity > 22% AND Debt to equity < 0.5", all_(is_("roe", ">", 0.22), is_("debt_to_equity", "<", 0.5))),
    ("market cap between 2b and 10b sorted by dividend yield", ordered(between("market_cap", 2000000000, 1e10), "dividend_yield")),
    ("not energy, pe < 12", all_(not_(one_of("sector", "Energy")), is_("pe", "<", 12))),
    ("oversold large caps", all_(is_("rsi_14", "<", 30), is_("market_cap", ">=", 1e10))),
    ("top 20 by market cap", ordered(None, "market_cap", top=20)),
    ("stocks under $20", is_("close", "<", 20)),
    ("up more than 5% today", is_("return_1", ">", 0.05)),
    ("gapped up", is_("gap", ">", 0)),
    ("tech stocks with RSI below 30 and volume above 1m", all_(one_of("sector", "Information Technology"), is_("rsi_14", "<", 30), is_("volume", ">", 1000000))),
    ("price between $50 and $200 in the finance sector", all_(between("close", 50, 200), one_of("sector", "Financials"))),
    ("within 5% of 52 week high, not energy, top 20 by market cap", ordered(all_(is_("close", ">=", of("high_252", 0, 0.95)), not_(one_of("sector", "Energy"))), "market_cap", top=20)),
    ("energy, or utilities with yield > 4 %", all_(one_of("sector", "Energy", "Utilities"), is_("dividend_yield", ">", 0.04))),
    ("rsi<30", is_("rsi_14", "<", 30)),
    ("RSI ≤ 30", is_("rsi_14", "<=", 30)),
    ("rsi(14) < 30", is_("rsi_14", "<", 30)),
    ("RSI 14 at most 30", is_("rsi_14", "<=", 30)),
    ("14-day RSI under 30", is_("rsi_14", "<", 30)),
    ("show me stocks with an rsi of less than 30", is_("rsi_14", "<", 30)),
    ("find all companies whose P/E ratio is no more than 15", is_("pe", "<=", 15)),
    ("price above 50 dma", is_("close", ">", of("sma_50"))),
    ("price over SMA(200)", is_("close", ">", of("sma_200"))),
    ("close > sma_200", is_("close", ">", of("sma_200"))),
    ("price > 50-day EMA", is_("close", ">", of("ema_50"))),
    ("stocks trading above their 200-day moving average", is_("close", ">", of("sma_200"))),
    ("above the 50 day moving average and below the 200 day moving average", all_(is_("close", ">", of("sma_50")), is_("close", "<", of("sma_200")))),
    ("50 SMA above 200 SMA", is_("sma_50", ">", of("sma_200"))),
    ("dividend yield above 3", is_("dividend_yield", ">", 0.03)),
    ("dividend yield of at least 3 percent", is_("dividend_yield", ">=", 0.03)),
    ("yield >= 50 bps", is_("dividend_yield", ">=", 0.005)),
    ("dividend yield of 3% or more", is_("dividend_yield", ">=", 0.03)),
    ("yield 3%+", is_("dividend_yield", ">=", 0.03)),
    ("p/e 15 or less", is_("pe", "<=", 15)),
    ("pe 5-10", between("pe", 5, 10)),
    ("P/E from 5 to 10", between("pe", 5, 10)),
    ("pe between 5 and 10", between("pe", 5, 10)),
    ("P/E between 5 – 10", between("pe", 5, 10)),
    ("price $5 to $10", between("close", 5, 10)),
    ("dividend yield between 3 and 5%", between("dividend_yield", 0.03, 0.05)),
    ("revenue growth > -5%", is_("revenue_growth", ">", -0.05)),
    ("eps growth above 0", is_("eps_growth", ">", 0)),
    ("positive eps growth", is_("eps_growth", ">", 0)),
    ("revenue growth is negative", is_("revenue_growth", "<", 0)),
    ("momentum positive", is_("momentum_12_1", ">", 0)),
    ("market cap above 2.5bn", is_("market_cap", ">", 2500000000)),
    ("market cap over $1 trillion", is_("market_cap", ">", 1e12)),
    ("volume at least 500k", is_("volume", ">=", 500000)),
    ("volume above 1 million", is_("volume", ">", 1000000)),
    ("dollar volume > $5m", is_("dollar_volume_20", ">", 5000000)),
    ("volume more than twice average volume", is_("volume", ">", of("volume_sma_20", 0, 2))),
    ("volume 2x average volume", is_("volume", ">=", of("volume_sma_20", 0, 2))),
    ("volume above 150% of average volume", is_("volume", ">", of("volume_sma_20", 0, 1.5))),
    ("relative volume above 2x", is_("volume_ratio", ">", 2)),
    ("price more than 10% above the 200 sma", is_("close", ">", of("sma_200", 0, 1.1))),
    ("price at least 20% below 52 week high", is_("close", "<=", of("high_252", 0, 0.8))),
    ("price 5% above 50 sma", is_("close", ">=", of("sma_50", 0, 1.05))),
    ("price within 3% of 200 sma", all_(is_("close", ">=", of("sma_200", 0, 0.97)), is_("close", "<=", of("sma_200", 0, 1.03)))),
    ("within 2% of the 50-day SMA", all_(is_("close", ">=", of("sma_50", 0, 0.98)), is_("close", "<=", of("sma_50", 0, 1.02)))),
    ("price twice its 52-week low", is_("close", ">=", of("low_252", 0, 2))),
    ("golden cross", cross("sma_50", "above", of("sma_200"))),
    ("golden cross in the last 5 days", cross("sma_50", "above", of("sma_200"), 5)),
    ("death cross within 10 sessions", cross("sma_50", "below", of("sma_200"), 10)),
    ("50-day SMA crossed above 200-day SMA in the last 5 sessions", cross("sma_50", "above", of("sma_200"), 5)),
    ("RSI crossing below 30", cross("rsi_14", "below", 30)),
    ("rsi crossed above 30 in the past week", cross("rsi_14", "above", 30, 5)),
    ("price crossed above 200 sma today", cross("close", "above", of("sma_200"))),
    ("macd crossed above signal line", cross("macd", "above", of("macd_signal"))),
    ("bullish macd crossover", cross("macd", "above", of("macd_signal"))),
    ("price crosses over $20", cross("close", "above", 20)),
    ("price above price 5 sessions ago", is_("close", ">", of("close", 5))),
    ("price higher than 5 days ago", is_("close", ">", of("close", 5))),
    ("rsi 3 sessions ago below 30 and rsi above 30", all_(is_("rsi_14", "<", 30, 3), is_("rsi_14", ">", 30))),
    ("yesterday's RSI below 30", is_("rsi_14", "<", 30, 1)),
    ("RSI yesterday < 30 and RSI > 30", all_(is_("rsi_14", "<", 30, 1), is_("rsi_14", ">", 30))),
    ("volume above volume yesterday", is_("volume", ">", of("volume", 1))),
    ("close above 110% of close 20 sessions ago", is_("close", ">", of("close", 20, 1.1))),
    ("profit margin > profit margin 63 sessions ago", is_("margin", ">", of("margin", 63))),
    ("up 5% today", is_("return_1", ">=", 0.05)),
    ("up at least 10% in the last week", is_("return_5", ">=", 0.1)),
    ("down more than 3% over the past week", is_("return_5", "<", -0.03)),
    ("up more than 20% in the last 3 months", is_("return_63", ">", 0.2)),
    ("gained 50% or more over the past year", is_("return_252", ">=", 0.5)),
    ("lost more than 10% in the last 21 days", is_("return_21", "<", -0.1)),
    ("up between 5% and 10% today", between("return_1", 0.05, 0.1)),
    ("up today", is_("return_1", ">", 0)),
    ("price up 5% in the last month", is_("return_21", ">=", 0.05)),
    ("up more than 4% yesterday", is_("return_1", ">", 0.04, 1)),
    ("gapped up more than 3%", is_("gap", ">", 0.03)),
    ("gap down at least 2% today", is_("gap", "<=", -0.02)),
    ("gapped down", is_("gap", "<", 0)),
    ("new 52 week high", is_("high_252", ">", of("high_252", 1))),
    ("stocks at a new 52-week high", is_("high_252", ">", of("high_252", 1))),
    ("near 52 week low", is_("close", "<=", of("low_252", 0, 1.05))),
    ("hit a new 52 week low", is_("low_252", "<", of("low_252", 1))),
    ("overbought", is_("rsi_14", ">", 70)),
    ("oversold tech stocks", all_(is_("rsi_14", "<", 30), one_of("sector", "Information Technology"))),
    ("oversold or overbought", any_(is_("rsi_14", "<", 30), is_("rsi_14", ">", 70))),
    ("large cap energy", all_(is_("market_cap", ">=", 1e10), one_of("sector", "Energy"))),
    ("small caps with relative volume over 2", all_(is_("market_cap", ">=", 300000000), is_("market_cap", "<", 2000000000), is_("volume_ratio", ">", 2))),
    ("mid cap financials", all_(is_("market_cap", ">=", 2000000000), is_("market_cap", "<", 1e10), one_of("sector", "Financials"))),
    ("not penny stocks", not_(is_("close", "<", 5))),
    ("cheap dividend payers", all_(is_("pe", "<", 15), is_("dividend_yield", ">", 0))),
    ("liquid stocks in an uptrend", all_(is_("dollar_volume_20", ">=", 5000000), is_("close", ">", of("sma_50")), is_("sma_50", ">", of("sma_200")))),
    ("downtrend with high volume", all_(is_("close", "<", of("sma_50")), is_("sma_50", "<", of("sma_200")), is_("volume_ratio", ">=", 2))),
    ("low volatility large caps", all_(is_("volatility_20", "<", 0.2), is_("market_cap", ">=", 1e10))),
    ("bullish technology", all_(is_("close", ">", of("sma_50")), is_("sma_50", ">", of("sma_200")), is_("macd_histogram", ">", 0), one_of("sector", "Information Technology"))),
    ("profitable small caps sorted by revenue growth", ordered(all_(is_("margin", ">", 0), is_("market_cap", ">=", 300000000), is_("market_cap", "<", 2000000000)), "revenue_growth")),
    ("tech or health care", one_of("sector", "Information Technology", "Health Care")),
    ("utilities and energy", one_of("sector", "Utilities", "Energy")),
    ("industrials, materials", one_of("sector", "Industrials", "Materials")),
    ("technology, healthcare, or financials", one_of("sector", "Information Technology", "Health Care", "Financials")),
    ("sector is energy", one_of("sector", "Energy")),
    ("sector = \"Energy\"", one_of("sector", "Energy")),
    ("sector is energy or utilities", one_of("sector", "Energy", "Utilities")),
    ("sector is not energy", not_(one_of("sector", "Energy"))),
    ('exchange is not ","', not_(one_of("exchange", ","))),
    ('not exchange is "a, b or c"', not_(one_of("exchange", "a, b or c"))),
    ("sector is neither energy nor utilities", not_(one_of("sector", "Energy", "Utilities"))),
    ("sector in (energy, utilities)", one_of("sector", "Energy", "Utilities")),
    ("neither energy nor utilities", not_(one_of("sector", "Energy", "Utilities"))),
    ("not energy or utilities", not_(one_of("sector", "Energy", "Utilities"))),
    ("excluding energy and utilities", not_(one_of("sector", "Energy", "Utilities"))),
    ("tech but not overbought", all_(one_of("sector", "Information Technology"), not_(is_("rsi_14", ">", 70)))),
    ("tech except penny stocks", all_(one_of("sector", "Information Technology"), not_(is_("close", "<", 5)))),
    ("not (energy and oversold)", not_(all_(one_of("sector", "Energy"), is_("rsi_14", "<", 30)))),
    ("excluding (energy or penny stocks)", not_(any_(one_of("sector", "Energy"), is_("close", "<", 5)))),
    ("real estate on the nasdaq", all_(one_of("sector", "Real Estate"), one_of("exchange", "XNAS"))),
    ("NYSE listed stocks under $10", all_(one_of("exchange", "XNYS"), is_("close", "<", 10))),
    ("ETFs above 200 sma", all_(one_of("asset_type", "ETF"), is_("close", ">", of("sma_200")))),
    ("common stocks with a P/E below 10", all_(one_of("asset_type", "CS"), is_("pe", "<", 10))),
    ("no ETFs", not_(one_of("asset_type", "ETF"))),
    ("exchange is NYSE Arca", one_of("exchange", "ARCX")),
    ("symbol is AAPL or MSFT", one_of("symbol", "AAPL", "MSFT")),
    ("ticker in (AAPL, MSFT, BRK.B)", one_of("symbol", "AAPL", "MSFT", "BRK.B")),
    ("symbol is aapl", one_of("symbol", "AAPL")),
    ("symbol is not TSLA", not_(one_of("symbol", "TSLA"))),
    ("industry is \"Biotechnology\"", one_of("industry", "Biotechnology")),
    ("industry is \"Biotechnology\" or \"Drug Manufacturers - General\"", one_of("industry", "Biotechnology", "Drug Manufacturers - General")),
    ("name is \"Apple Inc.\"", one_of("name", "Apple Inc.")),
    ("rsi above 50 and below 70", all_(is_("rsi_14", ">", 50), is_("rsi_14", "<", 70))),
    ("rsi below 30 or above 70", any_(is_("rsi_14", "<", 30), is_("rsi_14", ">", 70))),
    ("price above $5 but below $20", all_(is_("close", ">", 5), is_("close", "<", 20))),
    ("market cap above $2b and below $10b", all_(is_("market_cap", ">", 2000000000), is_("market_cap", "<", 1e10))),
    ("tech under $20", all_(one_of("sector", "Information Technology"), is_("close", "<", 20))),
    ("rsi < 30, under $20", all_(is_("rsi_14", "<", 30), is_("close", "<", 20))),
    ("oversold and (tech or energy)", all_(is_("rsi_14", "<", 30), one_of("sector", "Information Technology", "Energy"))),
    ("oversold or tech and cheap", any_(is_("rsi_14", "<", 30), all_(one_of("sector", "Information Technology"), is_("pe", "<", 15)))),
    ("rsi < 30 or (rsi > 70 and volume > 1m)", any_(is_("rsi_14", "<", 30), all_(is_("rsi_14", ">", 70), is_("volume", ">", 1000000)))),
    ("not not oversold", not_(not_(is_("rsi_14", "<", 30)))),
    ("[rsi < 30]", is_("rsi_14", "<", 30)),
    ("top 10 tech stocks by dividend yield", ordered(one_of("sector", "Information Technology"), "dividend_yield", top=10)),
    ("top 10 by lowest P/E", ordered(None, "pe", descending=False, top=10)),
    ("bottom 5 by return 252", ordered(None, "return_252", descending=False, top=5)),
    ("10 cheapest by pe", ordered(None, "pe", descending=False, top=10)),
    ("20 largest by market cap", ordered(None, "market_cap", top=20)),
    ("highest 10 by dividend yield", ordered(None, "dividend_yield", top=10)),
    ("10 highest dividend yields", ordered(None, "dividend_yield", top=10)),
    ("highest dividend yield first", ordered(None, "dividend_yield")),
    ("tech sorted by p/e ascending", ordered(one_of("sector", "Information Technology"), "pe", descending=False)),
    ("energy order by market cap, lowest first", ordered(one_of("sector", "Energy"), "market_cap", descending=False)),
    ("oversold, sorted by rsi ascending, limit 20", ordered(is_("rsi_14", "<", 30), "rsi_14", descending=False, top=20)),
    ("everything", ordered(None)),
    ("all stocks sorted by volume", ordered(None, "volume")),
    ("adx over 25 and stochastic under 20", all_(is_("adx_14", ">", 25), is_("stoch_k", "<", 20))),
    ("%K below 20", is_("stoch_k", "<", 20)),
    ("bollinger position below 0", is_("bb_position", "<", 0)),
    ("price below lower Bollinger band", is_("close", "<", of("bb_lower"))),
    ("z-score < -2", is_("zscore_20", "<", -2)),
    ("beta between 0.5 and 1.5", between("beta_252", 0.5, 1.5)),
    ("correlation with SPY below 0.2", is_("correlation_spy_63", "<", 0.2)),
    ("volatility under 20%", is_("volatility_20", "<", 0.2)),
    ("atr above $2", is_("atr_14", ">", 2)),
    ("12-1 momentum above 20%", is_("momentum_12_1", ">", 0.2)),
    ("distance from 52-week high > -5%", is_("distance_high_252", ">", -0.05)),
    ("fundamentals age below 90 days", is_("fundamentals_age_days", "<", 90)),
    ("PEG below 1", is_("peg", "<", 1)),
    ("P/B under 1.5, P/S under 2", all_(is_("pb", "<", 1.5), is_("ps", "<", 2))),
    ("ROE above 15 percent", is_("roe", ">", 0.15)),
    ("RSI is below 30 & price is > $5", all_(is_("rsi_14", "<", 30), is_("close", ">", 5))),
    ("RSI below 30; price above $5", all_(is_("rsi_14", "<", 30), is_("close", ">", 5))),
    ("rsi below 30 volume above 1m", all_(is_("rsi_14", "<", 30), is_("volume", ">", 1000000))),
    ("PRICE ABOVE 200 DAY MOVING AVERAGE", is_("close", ">", of("sma_200"))),
    ("no more than $20", is_("close", "<=", 20)),
    ("RSI below 30 today", is_("rsi_14", "<", 30)),
    ("market cap 2b-10b", between("market_cap", 2e9, 1e10)),
    ("p/e: 5 to 15", between("pe", 5, 15)),
    ("sector: technology; rsi: below 30", all_(one_of("sector", "Information Technology"), is_("rsi_14", "<", 30))),
    ("show energy sector stocks in nyse with volume > 1m shares", all_(one_of("sector", "Energy"), one_of("exchange", "XNYS"), is_("volume", ">", 1e6))),
    ("down 20% from its 52-week high", is_("close", "<=", of("high_252", 0, 0.8))),
    ("50 sma above 200 sma and up more than 50% from 52 week low", all_(is_("sma_50", ">", of("sma_200")), is_("close", ">", of("low_252", 0, 1.5)))),
    ("golden cross in the last week", cross("sma_50", "above", of("sma_200"), 5)),
    ("price > 2 * sma 200", is_("close", ">", of("sma_200", 0, 2))),
    ("price above 14 rsi below 30", all_(is_("close", ">", 14), is_("rsi_14", "<", 30))),
    ("pe < 10 or tech, energy", any_(is_("pe", "<", 10), one_of("sector", "Information Technology", "Energy"))),
    ("20% below 52 week high", is_("close", "<=", of("high_252", 0, 0.8))),
    ("stocks at least 20% below their 52-week high", is_("close", "<=", of("high_252", 0, 0.8))),
    ("tech, 5% above 50 sma", all_(one_of("sector", "Information Technology"), is_("close", ">=", of("sma_50", 0, 1.05)))),
    ("energy or utilities and pe < 10", all_(one_of("sector", "Energy", "Utilities"), is_("pe", "<", 10))),
    ("sector is energy or tech and exchange is nasdaq", all_(one_of("sector", "Energy", "Information Technology"), one_of("exchange", "XNAS"))),
    ("price above $5 or above 200 sma", any_(is_("close", ">", 5), is_("close", ">", of("sma_200")))),
    ("volume above 1m and above average volume", all_(is_("volume", ">", 1000000), is_("volume", ">", of("volume_sma_20")))),
    ("rsi above 70, above 200 sma", all_(is_("rsi_14", ">", 70), is_("close", ">", of("sma_200")))),
    ("not energy but oversold", all_(not_(one_of("sector", "Energy")), is_("rsi_14", "<", 30))),
    ("not energy and pe < 12", all_(not_(one_of("sector", "Energy")), is_("pe", "<", 12))),
    ("not energy and not tech", all_(not_(one_of("sector", "Energy")), not_(one_of("sector", "Information Technology")))),
    ("pe under 15 but not financials", all_(is_("pe", "<", 15), not_(one_of("sector", "Financials")))),
    ("yield above 3%, under $20", all_(is_("dividend_yield", ">", 0.03), is_("close", "<", 20))),
    ("RSI between 30 and 70 and not within 5% of 52 week low", all_(between("rsi_14", 30, 70), not_(is_("close", "<=", of("low_252", 0, 1.05))))),
    ("up more than 5% today and gapped up more than 2%", all_(is_("return_1", ">", 0.05), is_("gap", ">", 0.02))),
    ("tech stocks with rsi below 30 or above 70", all_(one_of("sector", "Information Technology"), any_(is_("rsi_14", "<", 30), is_("rsi_14", ">", 70)))),
    ("price over 5 or under 3 and rsi over 50 or under 30", all_(any_(is_("close", ">", 5), is_("close", "<", 3)), any_(is_("rsi_14", ">", 50), is_("rsi_14", "<", 30)))),
    ("rsi is not below 30 and not above 70", all_(is_("rsi_14", ">=", 30), is_("rsi_14", "<=", 70))),
    ("either rsi < 30 or pe < 10", any_(is_("rsi_14", "<", 30), is_("pe", "<", 10))),
    ("tech with (rsi < 30 or pe < 10)", all_(one_of("sector", "Information Technology"), any_(is_("rsi_14", "<", 30), is_("pe", "<", 10)))),
    ("oversold or overbought tech stocks", all_(any_(is_("rsi_14", "<", 30), is_("rsi_14", ">", 70)), one_of("sector", "Information Technology"))),
    ("cheap or oversold with pe > 5", all_(any_(is_("pe", "<", 15), is_("rsi_14", "<", 30)), is_("pe", ">", 5))),
    ("oversold or golden cross in the last 5 sessions", any_(is_("rsi_14", "<", 30), cross("sma_50", "above", of("sma_200"), 5))),
    ("tech, sorted by pe, oversold", ordered(all_(one_of("sector", "Information Technology"), is_("rsi_14", "<", 30)), "pe")),
    ("sma 50 above sma 200 and above $20", all_(is_("sma_50", ">", of("sma_200")), is_("sma_50", ">", 20))),
    ("sma 20 above $50", is_("sma_20", ">", 50)),
    ("volume above 0", is_("volume", ">", 0)),
    ("volume above 500,000", is_("volume", ">", 500000)),
    ("market cap above 1.500m", is_("market_cap", ">", 1.5e6)),
    ("price above 1.234567", is_("close", ">", 1.234567)),
    ("price above 1.2340", is_("close", ">", 1.234)),
    ("market cap above $500", is_("market_cap", ">", 500)),
    ('symbol is AAPL, "ON" or "A"', one_of("symbol", "AAPL", "ON", "A")),
    ("symbol IN (AAPL, MSFT)", one_of("symbol", "AAPL", "MSFT")),
    ("SYMBOL IS AAPL AND PRICE ABOVE THE 200 DAY AVERAGE", all_(one_of("symbol", "AAPL"), is_("close", ">", of("sma_200")))),
    ("not energy, utilities or tech", not_(one_of("sector", "Energy", "Utilities", "Information Technology"))),
    ("oversold yesterday and overbought today", all_(is_("rsi_14", "<", 30, 1), is_("rsi_14", ">", 70))),
    ("price > 50sma > 200sma", all_(is_("close", ">", of("sma_50")), is_("sma_50", ">", of("sma_200")))),
    ("large caps within 5% of 52 week high", all_(is_("market_cap", ">=", 1e10), is_("close", ">=", of("high_252", 0, 0.95)))),
    ("rsi at 30 or below", is_("rsi_14", "<=", 30)),
    ("rsi below 30 or above 70, tech", all_(any_(is_("rsi_14", "<", 30), is_("rsi_14", ">", 70)), one_of("sector", "Information Technology"))),
    ("positive earnings growth", is_("eps_growth", ">", 0)),
    ("hasn't closed below its 50 day in 20 days", is_("close", ">=", of("sma_50"), each=20)),
    ("tech with pe < 25 or energy with pe < 10", any_(all_(one_of("sector", "Information Technology"), is_("pe", "<", 25)), all_(one_of("sector", "Energy"), is_("pe", "<", 10)))),
    ("tripled from its 52 week low", is_("close", ">=", of("low_252", 0, 3))),
    ("volume 3 times normal", is_("volume", ">=", of("volume_sma_20", 0, 3))),
    ("close > 1 day ago close", is_("close", ">", of("close", 1))),
    ("rank tech by pe ascending", ordered(one_of("sector", "Information Technology"), "pe", descending=False)),
    ("rsi above 70 for 3 days", is_("rsi_14", ">", 70, each=3)),
    ("rsi over 70 three days in a row", is_("rsi_14", ">", 70, each=3)),
    ("rsi has been above 60 for a week", is_("rsi_14", ">", 60, each=5)),
    ("rsi between 40 and 60 in each of the last 10 sessions", Between(field="rsi_14", low=40, high=60, in_each=10)),
    ("(rsi above 60 and price above 50 day) for 5 days", all_(is_("rsi_14", ">", 60, each=5), is_("close", ">", of("sma_50"), each=5))),
    ("down 3 days in a row", is_("return_1", "<", 0, each=3)),
    ("3 straight up days", is_("return_1", ">", 0, each=3)),
    ("up 2% 3 days in a row", is_("return_1", ">=", 0.02, each=3)),
    ("overbought for a week, tech", all_(is_("rsi_14", ">", 70, each=5), one_of("sector", "Information Technology"))),
    ("not (rsi above 70 for 3 days)", not_(is_("rsi_14", ">", 70, each=3))),
    ("rsi below 30 yesterday", is_("rsi_14", "<", 30, 1)),
    ("oversold 5 days ago", is_("rsi_14", "<", 30, 5)),
    ("price was above its 200 sma yesterday", is_("close", ">", of("sma_200", 1), 1)),
    ("rsi was under 30 five days ago and is above 40 now", all_(is_("rsi_14", "<", 30, 5), is_("rsi_14", ">", 40))),
    ("golden cross yesterday", all_(is_("sma_50", ">", of("sma_200", 1), 1), is_("sma_50", "<=", of("sma_200", 2), 2))),
    ("50 sma crossed above 200 sma 3 sessions ago", all_(is_("sma_50", ">", of("sma_200", 3), 3), is_("sma_50", "<=", of("sma_200", 4), 4))),
    ("price crossed the 200 day from below today", cross("close", "above", of("sma_200"))),
    ("macd histogram flipped positive yesterday", all_(is_("macd_histogram", ">", 0, 1), is_("macd_histogram", "<=", 0, 2))),
    ("macd turned negative in the last week", cross("macd", "below", 0, 5)),
    ("doubled in the last year", is_("return_252", ">=", 1)),
    ("halved in six months", is_("return_126", "<=", -0.5)),
    ("lost half its value over the last month", is_("return_21", "<=", -0.5)),
    ("up 10% in a week", is_("return_5", ">=", 0.1)),
    ("yielding 3", is_("dividend_yield", ">=", 0.03)),
    ("paying more than 4%", is_("dividend_yield", ">", 0.04)),
    ("3x average volume", is_("volume", ">=", of("volume_sma_20", 0, 3))),
    ("trading at twice its usual volume", is_("volume", ">=", of("volume_sma_20", 0, 2))),
    ("volume above its 20 day average", is_("volume", ">", of("volume_sma_20"))),
    ("20% above 52w low", is_("close", ">=", of("low_252", 0, 1.2))),
    ("30% or more below its 52 week high", is_("close", "<=", of("high_252", 0, 0.7))),
    ("30% off its 52 week high", is_("close", "<=", of("high_252", 0, 0.7))),
    ("below its 200 day moving average by more than 10%", is_("close", "<", of("sma_200", 0, 0.9))),
    ("above the 20, 50 and 200 day averages", all_(*(is_("close", ">", of(f"sma_{n}")) for n in (20, 50, 200)))),
    ("above the 50 day or the 200 day", any_(is_("close", ">", of("sma_50")), is_("close", ">", of("sma_200")))),
    ("price above 20 and 50 sma above 200 sma", all_(is_("close", ">", 20), is_("sma_50", ">", of("sma_200")))),
    ("trading under 12x earnings", is_("pe", "<", 12)),
    ("between 8 and 12 times sales", between("ps", 8, 12)),
    ("below book value", is_("pb", "<", 1)),
    ("under 20 pe and over 3% yield", all_(is_("pe", "<", 20), is_("dividend_yield", ">", 0.03))),
    ("rsi under thirty", is_("rsi_14", "<", 30)),
    ("price over twenty-five", is_("close", ">", 25)),
    ("market cap over two and a half billion", is_("market_cap", ">", 2.5e9)),
    ("under a dollar", is_("close", "<", 1)),
    ("top ten by market cap", ordered(None, "market_cap", top=10)),
    ("twenty cheapest tech stocks by pe", ordered(one_of("sector", "Information Technology"), "pe", descending=False, top=20)),
    ("lowest 20 pe", ordered(None, "pe", descending=False, top=20)),
    ("ten most volatile large caps", ordered(is_("market_cap", ">=", 1e10), "volatility_20", top=10)),
    ("10 biggest losers today", ordered(None, "return_1", descending=False, top=10)),
    ("worst 5 energy names over the past week", ordered(one_of("sector", "Energy"), "return_5", descending=False, top=5)),
    ("fifty largest companies", ordered(None, "market_cap", top=50)),
    ("sorted by yield, top 20", ordered(None, "dividend_yield", top=20)),
    ("uranium stocks", one_of("industry", "Uranium")),
    ("semis under $20", all_(one_of("industry", "Semiconductors", "Semiconductor Equipment & Materials"), is_("close", "<", 20))),
    ("everything but tobacco", not_(one_of("industry", "Tobacco"))),
    ("energy or airlines with pe < 10", all_(any_(one_of("sector", "Energy"), one_of("industry", "Airlines")), is_("pe", "<", 10))),
    ("tech semiconductor equipment", all_(one_of("sector", "Information Technology"), one_of("industry", "Semiconductor Equipment & Materials"))),
    ("symbol is not AAPL, MSFT", not_(one_of("symbol", "AAPL", "MSFT"))),
]

# fmt: on


@pytest.mark.parametrize(("sentence", "meaning"), UNDERSTOOD, ids=[sentence for sentence, _ in UNDERSTOOD])
def test_a_sentence_means_what_it_says(sentence, meaning):
    expected = meaning if isinstance(meaning, Query) else Query(where=meaning)
    assert parse(sentence) == expected
    assert parse(write(expected)) == expected


@pytest.mark.parametrize("macro", MACROS.values(), ids=list(MACROS))
def test_every_macro_means_its_definition_in_each_of_its_phrases(macro):
    assert parse(describe(macro.filter)) == Query(where=macro.filter)
    assert {parse(phrase).where for phrase in macro.phrases} == {macro.filter}
    assert macro.description


@pytest.mark.parametrize(
    ("node", "chip"),
    [
        (is_("rsi_14", "<", 30), "RSI < 30"),
        (is_("close", ">", of("sma_200")), "price > 200-day SMA"),
        (is_("dividend_yield", ">", 0.03), "dividend yield > 3%"),
        (one_of("sector", "Energy", "Utilities"), "sector is Energy or Utilities"),
        (not_(one_of("sector", "Energy", "Utilities")), "sector is neither Energy nor Utilities"),
        (
            cross("sma_50", "above", of("sma_200"), 5),
            "50-day SMA crossed above 200-day SMA in the last 5 sessions",
        ),
        (is_("close", ">=", of("high_252", 0, 0.95)), "price >= 95% of 52-week high"),
        (is_("market_cap", ">=", 1e10), "market cap >= $10B"),
        (is_("volume", ">", 500_000), "volume > 500,000"),
        (is_("return_1", "<", -0.055), "1-day return < -5.5%"),
        (is_("rsi_14", "<", 30, 1), "RSI 1 session ago < 30"),
        (one_of("symbol", "AAPL", "IT", "not a symbol"), 'symbol is AAPL or "IT" or "not a symbol"'),
        (one_of("name", 'The "A" Company'), 'name is "The ""A"" Company"'),
        (between("market_cap", 2e9, 1e10), "market cap between $2B and $10B"),
    ],
)
def test_a_condition_is_written_as_people_write_it(node, chip):
    assert describe(node) == chip


def test_and_binds_stronger_than_or_and_the_echo_says_so_with_parentheses():
    assert understand("oversold or tech with pe < 10").canonical == (
        "RSI < 30 or (sector is Information Technology and P/E < 10)"
    )
    assert understand("energy or utilities, pe < 10").canonical == (
        "(sector is Energy or Utilities) and P/E < 10"
    )


def test_at_least_as_many_sentences_as_promised():
    assert len(UNDERSTOOD) >= 120

"""Macros: words for a whole condition, each with the filter that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.screener.filters import And, Comparison, Cross, Filter, Term


@dataclass(frozen=True)
class Macro:
    """A word for a condition: ``phrases`` are all ways to write it, the name the first."""

    name: str
    description: str
    filter: Filter
    others: tuple[str, ...] = ()

    @property
    def phrases(self) -> tuple[str, ...]:
        """Every way to write it."""
        return (self.name, *self.others)


def _all(*filters: Filter) -> Filter:
    return And(filters=filters)


def _is(field: str, operator: str, value: float | str, factor: float = 1.0) -> Filter:
    right = Term(field=value, factor=factor) if isinstance(value, str) else value
    return Comparison.model_validate({"field": field, "operator": operator, "value": right})


def _cross(field: str, direction: str, other: str) -> Filter:
    return Cross.model_validate({"field": field, "direction": direction, "value": Term(field=other)})


# fmt: off
MACROS: dict[str, Macro] = {
    macro.name: macro
    for macro in (
        Macro("oversold", "Wilder's threshold for a price that fell far and fast.", _is("rsi_14", "<", 30), ("over sold", "oversold in rsi", "oversold on rsi", "rsi oversold", "rsi is oversold")),
        Macro("overbought", "Wilder's threshold for a price that rose far and fast.", _is("rsi_14", ">", 70), ("over bought", "overbought in rsi", "overbought on rsi", "rsi overbought", "rsi is overbought")),
        Macro("oversold stochastic", "Lane's threshold for a close near the low of its range.", _is("stoch_k", "<", 20), ("stochastic oversold", "stochastics oversold", "stoch oversold", "oversold stochastics", "oversold on stochastic", "stochastic is oversold", "stochastics are oversold")),
        Macro("overbought stochastic", "Lane's threshold for a close near the high of its range.", _is("stoch_k", ">", 80), ("stochastic overbought", "stochastics overbought", "stoch overbought", "overbought stochastics", "overbought on stochastic", "stochastic is overbought", "stochastics are overbought")),
        Macro("golden cross", "The 50-day average came to lie above the 200-day average in this session.", _cross("sma_50", "above", "sma_200"), ("golden crosses", "golden crossover")),
        Macro("death cross", "The 50-day average came to lie below the 200-day average in this session.", _cross("sma_50", "below", "sma_200"), ("death crosses", "death crossover")),
        Macro("bullish MACD cross", "The MACD line came to lie above its signal in this session.", _cross("macd", "above", "macd_signal"), ("macd bullish cross", "bullish macd crossover", "macd bullish crossover", "macd crossover bullish", "macd cross bullish", "bullish cross in macd", "bullish crossover in macd", "bullish cross of macd")),
        Macro("bearish MACD cross", "The MACD line came to lie below its signal in this session.", _cross("macd", "below", "macd_signal"), ("macd bearish cross", "bearish macd crossover", "macd bearish crossover", "macd crossover bearish", "macd cross bearish", "bearish cross in macd", "bearish crossover in macd", "bearish cross of macd")),
        Macro("mega cap", "Companies worth $200B and more.", _is("market_cap", ">=", 200e9), ("mega caps",)),
        Macro("large cap", "Companies worth $10B and more.", _is("market_cap", ">=", 10e9), ("large caps", "big cap", "big caps")),
        Macro("mid cap", "Companies worth $2B to $10B.", _all(_is("market_cap", ">=", 2e9), _is("market_cap", "<", 10e9)), ("mid caps", "midcap", "midcaps", "medium cap", "medium caps", "mid size", "midsize", "mid sized")),
        Macro("small cap", "Companies worth $300M to $2B.", _all(_is("market_cap", ">=", 300e6), _is("market_cap", "<", 2e9)), ("small caps", "smallcap", "smallcaps")),
        Macro("micro cap", "Companies worth less than $300M.", _is("market_cap", "<", 300e6), ("micro caps", "microcap", "microcaps")),
        Macro("cheap", "A low price for what was earned.", _is("pe", "<", 15)),
        Macro("penny stock", "Shares below $5, which US brokers treat as penny stocks.", _is("close", "<", 5), ("penny stocks", "penny")),
        Macro("liquid", "At least $5M change hands in a session.", _is("dollar_volume_20", ">=", 5e6)),
        Macro("unusual volume", "Twice the usual volume of the last 20 sessions, or more.", _is("volume_ratio", ">=", 2), ("high volume", "unusually high volume", "volume spike", "volume spikes")),
        Macro("low volatility", "A yearly deviation of less than 20%.", _is("volatility_20", "<", 0.2)),
        Macro("uptrend", "The price above its 50-day average, and that above the 200-day average.", _all(_is("close", ">", "sma_50"), _is("sma_50", ">", "sma_200")), ("up trend", "uptrending", "up trending")),
        Macro("downtrend", "The price below its 50-day average, and that below the 200-day average.", _all(_is("close", "<", "sma_50"), _is("sma_50", "<", "sma_200")), ("down trend", "downtrending", "down trending")),
        Macro("bullish", "An uptrend with rising momentum, as on the badge of a row.", _all(_is("close", ">", "sma_50"), _is("sma_50", ">", "sma_200"), _is("macd_histogram", ">", 0))),
        Macro("bearish", "A downtrend with falling momentum, as on the badge of a row.", _all(_is("close", "<", "sma_50"), _is("sma_50", "<", "sma_200"), _is("macd_histogram", "<", 0))),
        Macro("new 52-week high", "The highest high of the year was made in this session.", Comparison(field="high_252", operator=">", value=Term(field="high_252", sessions_ago=1)), ("new high", "at 52 week high", "at new 52 week high", "at new high", "hit new 52 week high", "hit 52 week high", "hitting new 52 week high", "making new 52 week high", "new 52 week highs", "new highs", "new yearly high")),
        Macro("new 52-week low", "The lowest low of the year was made in this session.", Comparison(field="low_252", operator="<", value=Term(field="low_252", sessions_ago=1)), ("new low", "at 52 week low", "at new 52 week low", "at new low", "hit new 52 week low", "hit 52 week low", "hitting new 52 week low", "making new 52 week low", "new 52 week lows", "new lows", "new yearly low")),
        Macro("near 52-week high", "At most 5% below the highest high of the year.", _is("close", ">=", "high_252", 0.95), ("near 52 week highs", "near high", "near highs", "close to 52 week high", "near yearly high")),
        Macro("near 52-week low", "At most 5% above the lowest low of the year.", _is("close", "<=", "low_252", 1.05), ("near 52 week lows", "near low", "near lows", "close to 52 week low", "near yearly low")),
        Macro("dividend payer", "A dividend is expected.", _is("dividend_yield", ">", 0), ("dividend payers", "dividend paying", "dividend stock", "dividend stocks", "pays dividend", "pay dividend", "paying dividend", "pays dividends", "pay dividends", "paying dividends")),
        Macro("profitable", "Something was earned in the last four quarters.", _is("margin", ">", 0), ("positive earnings", "making money", "positive net income")),
        Macro("below book value", "Less than the books say that the equity is worth.", _is("pb", "<", 1), ("under book value", "below book", "under book", "trading below book value", "trading under book value", "less than book value", "discount to book", "discount to book value", "at discount to book", "at discount to book value", "trading at discount to book", "trading at discount to book value")),
        Macro("above book value", "More than the books say that the equity is worth.", _is("pb", ">", 1), ("over book value", "above book", "trading above book", "trading above book value", "premium to book", "at premium to book")),
        Macro("unprofitable", "A loss was made in the last four quarters.", _is("margin", "<", 0), ("negative earnings", "losing money", "money losing", "loss making", "negative net income")),
        Macro("up on the day", "Closed above the session before.", _is("return_1", ">", 0), ("green on day", "in green today", "positive on day")),
        Macro("down on the day", "Closed below the session before.", _is("return_1", "<", 0), ("red on day", "in red today", "negative on day")),
        Macro("gap up", "Opened above the close of the session before.", _is("gap", ">", 0)),
        Macro("gap down", "Opened below the close of the session before.", _is("gap", "<", 0)),
    )
}
# fmt: on
"""Every macro by name. A gap takes a size as well: "gapped up more than 3%"; a cross takes a window: "golden cross in the last 5 sessions"."""

"""The whole real market: shipped screens and sentences find, in order, what SQL written by hand finds in the same features."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from trading_assets.features.build import build_daily_features
from trading_assets.screener.english.parse import parse
from trading_assets.screener.evaluate import ranked
from trading_assets.screener.filters import Query
from trading_assets.screener.market_frame import Market
from trading_assets.screener.presets import SCREENS
from trading_assets.sessions import sessions_between
from trading_assets.tables.features import DAILY_FEATURES

COMPUTED, SCREENED = 30, 8  # sessions; the longest look back is 21

# p0 is the session's row and p5 that of five market sessions before. `returned` brings an earlier price into the session's
# scale with dividends, `split` without; above(a, b) is a > b where the last digits are rounding.
MACROS = """
create macro same(a, b) as abs(a - b) <= 1e-9 * abs(b);
create macro above(a, b) as a > b and not same(a, b);
create macro at_least(a, b) as a >= b or same(a, b);
create macro returned(value, now, after) as value * now.price_factor / after.price_factor;
create macro split(value, now, after) as value / (now.share_factor / after.share_factor);
"""
LIQUID = "p0.close > 5 and p0.dollar_volume_20 > 5e6"
USD = "p0.dollar_volume_20 desc"


def crossing(first: str, second: str, within: int) -> str:
    """Say that a column came to lie above another one within so many sessions."""
    return " or ".join(
        f"(above(p{n}.{first}, p{n}.{second}) and not above(p{n + 1}.{first}, p{n + 1}.{second}))" for n in range(within)
    )  # fmt: skip


PRESETS = {
    "oversold": ("p0.rsi_14 < 30", "p0.rsi_14"),
    "overbought": ("p0.rsi_14 > 70", "p0.rsi_14 desc"),
    "golden_cross": (crossing("sma_50", "sma_200", 5), USD),
    "death_cross": (crossing("sma_200", "sma_50", 5), USD),
    "high_52_week": ("p0.distance_high_252 >= -0.01", "p0.return_252 desc"),
    "low_52_week": ("at_least(1.01 * p0.low_252, p0.close)", "p0.return_252"),
    "momentum_leaders": ("above(p0.close, p0.sma_200) and p0.momentum_12_1 > 0", "p0.momentum_12_1 desc"),
    "pullback": (
        "above(p0.close, p0.sma_200) and p0.rsi_14 < 40 and above(p0.sma_200, returned(p21.sma_200, p0, p21))",
        "p0.rsi_14",
    ),
    "low_volatility_value": ("p0.pe between 0 and 15 and p0.volatility_20 < 0.25", "p0.volatility_20"),
    "unusual_volume": ("p0.volume_ratio > 3", "p0.volume_ratio desc"),
    "gap_up": ("p0.gap > 0.04 and p0.volume_ratio > 1.5", "p0.gap desc"),
    "gap_down": ("p0.gap < -0.04 and p0.volume_ratio > 1.5", "p0.gap"),
    "dividend_income": (
        "p0.dividend_yield > 0.03 and p0.market_cap >= 2e9 and p0.margin > 0",
        "p0.dividend_yield desc",
    ),
    "large_cap_quality": (
        "p0.market_cap >= 1e10 and p0.roe > 0.15 and p0.margin > 0.1 and p0.debt_to_equity < 1",
        "p0.market_cap desc",
    ),
}
SENTENCES = {
    "RSI below 30 and price above 200-day SMA": ("p0.rsi_14 < 30 and above(p0.close, p0.sma_200)", USD, None),
    "new 52-week high": ("above(p0.high_252, returned(p1.high_252, p0, p1))", USD, None),
    "new 52-week low": ("above(returned(p1.low_252, p0, p1), p0.low_252)", USD, None),
    "price >= 52-week high": ("at_least(p0.close, p0.high_252)", USD, None),
    "price crossed above $20": ("p0.close > 20 and split(p1.close, p0, p1) <= 20", USD, None),
    "price 1 session ago < $10 and price > $10": ("p0.close > 10 and split(p1.close, p0, p1) < 10", USD, None),
    "price 5 sessions ago between $50 and $100": ("split(p5.close, p0, p5) between 50 and 100", USD, None),
    "price > price 5 sessions ago": ("above(p0.close, returned(p5.close, p0, p5))", USD, None),
    "not (5-day return > 0%)": ("not (p0.return_5 > 0)", USD, None),
    "tech stocks with rsi above 70": ("p0.sector = 'Information Technology' and p0.rsi_14 > 70", USD, None),
    "price between $10 and $20 and relative volume > 2, top 25 by 5-day return": (
        "p0.close between 10 and 20 and p0.volume_ratio > 2", "p0.return_5 desc", 25),
    "within 5% of 52 week high, not energy, top 20 by market cap": (
        "at_least(p0.close, 0.95 * p0.high_252) and not (p0.sector = 'Energy')", "p0.market_cap desc", 20),
    "RSI yesterday below 30 and RSI above 30": ("p1.rsi_14 < 30 and p0.rsi_14 > 30", USD, None),
    "MACD crossed above MACD signal in the last 3 days": (crossing("macd", "macd_signal", 3), USD, None),
    "volume > volume 1 session ago": ("above(p0.volume, p1.volume * p0.share_factor / p1.share_factor)", USD, None),
    "oversold or overbought, sorted by RSI ascending": ("p0.rsi_14 < 30 or p0.rsi_14 > 70", "p0.rsi_14", None),
    "RSI above 60 for 3 days": (" and ".join(f"p{n}.rsi_14 > 60" for n in range(3)), USD, None),
    "down 3 days in a row": (" and ".join(f"p{n}.return_1 < 0" for n in range(3)), USD, None),
    "price above $20 in each of the last 4 sessions": (
        "p0.close > 20 and " + " and ".join(f"split(p{n}.close, p0, p{n}) > 20" for n in (1, 2, 3)), USD, None),
    "above its 50 day for the last 5 days": (" and ".join(f"above(p{n}.close, p{n}.sma_50)" for n in range(5)), USD, None),
    "not (RSI above 60 for 3 days)": (" or ".join(f"p{n}.rsi_14 <= 60" for n in range(3)), USD, None),
    "price crossed above its 50 day yesterday": ("above(p1.close, p1.sma_50) and not above(p2.close, p2.sma_50)", USD, None),
    "P/E < 15 and dividend yield > 3%": ("p0.pe < 15 and p0.dividend_yield > 0.03", USD, None),
}  # fmt: skip


@pytest.fixture(scope="module")
def market(shared_data: Path, implied_actions: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Return the features of the last sessions of every symbol, with ratios of filings and sectors where there are any."""
    usable = pl.min_horizontal("open", "high", "low", "close") > 0
    found = (
        pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet").filter(usable).sort("known_on").collect()
    )
    days = sessions_between(found["session"].min(), found["session"].max())
    bars = (
        found.filter(pl.col("session").is_in(days))
        .unique(["symbol", "session"], keep="last", maintain_order=True)
        .with_columns(pl.col("volume").cast(pl.Float64))
        .sort("symbol", "session")
    )
    rows = build_daily_features(bars, implied_actions(bars), sessions=days[-COMPUTED:])
    members = pl.read_csv(shared_data / "sp500_constituents.csv").select(
        symbol="Symbol", sector="GICS Sector"
    )
    rows = with_filings(rows, pl.read_parquet(shared_data / "us_filings_2015_2017.parquet"))
    lacking = [name for name in DAILY_FEATURES.columns if name not in rows.columns]
    return (
        rows.join(members.unique("symbol"), on="symbol", how="left")
        .with_columns(pl.lit(None, pl.Float64).alias(name) for name in lacking)
        .with_columns(pl.selectors.float().fill_nan(None))
    )


def with_filings(rows: pl.DataFrame, filings: pl.DataFrame) -> pl.DataFrame:
    """Add ratios of the newest annual report that was known: both sides of the comparison screen them as they are."""
    annual = filings.filter(pl.col("period_focus") == "FY", pl.col("eps_basic") != 0).sort("known_on")
    joined = rows.sort("session").join_asof(
        annual, left_on="session", right_on="known_on", by="symbol", check_sortedness=False
    )
    shares = pl.col("net_income") / pl.col("eps_basic")
    ratios = {
        "pe": pl.col("close") / pl.col("eps_diluted"),
        "market_cap": pl.when(shares > 0).then(pl.col("close") * shares),
        "margin": pl.col("net_income") / pl.col("revenues"),
        "roe": pl.col("net_income") / pl.col("equity"),
        "debt_to_equity": pl.col("assets") / pl.col("equity") - 1,
        "dividend_yield": pl.col("dividend") / pl.col("close"),
        "fundamentals_age_days": (pl.col("session") - pl.col("known_on")).dt.total_days().cast(pl.Float64),
    }
    finite = {name: pl.when(ratio.is_finite()).then(ratio) for name, ratio in ratios.items()}
    return joined.with_columns(**finite).select(*rows.columns, *ratios).sort("symbol", "session")


@pytest.fixture(scope="module")
def database(market: pl.DataFrame) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(MACROS)
    days = market["session"].unique().sort().to_list()
    numbered = market.with_columns(number=pl.col("session").replace_strict(days, range(len(days))))
    connection.register("numbered", numbered.to_arrow())
    connection.execute("create table rows as select * from numbered")
    return connection


def by_sql(
    database: duckdb.DuckDBPyConnection, where: str, order: str, top: int | None, first: date
) -> list[tuple[date, int, str]]:
    earlier = sorted({int(number) for number in re.findall(r"\bp(\d+)\b", where)} - {0})
    joins = " ".join(
        f"left join rows p{n} on p{n}.symbol = p0.symbol and p{n}.number = p0.number - {n}" for n in earlier
    )
    return database.execute(
        f"select p0.session, row_number() over (partition by p0.session order by {order} nulls last, p0.symbol) as rank,"
        f" p0.symbol from rows p0 {joins} where ({where}) and p0.session >= ? qualify rank <= ? order by 1, 2",
        (first, top or 10**6),
    ).fetchall()


CASES = {
    **{
        name: (SCREENS[name].query, f"({where}) and {LIQUID}", order, SCREENS[name].top)
        for name, (where, order) in PRESETS.items()
    },
    **{text: (text, *expected) for text, expected in SENTENCES.items()},
}


def test_every_shipped_screen_is_compared(market: pl.DataFrame) -> None:
    assert set(PRESETS) == set(SCREENS)
    newest = market.filter(pl.col("session") == pl.col("session").max())
    assert newest.height > 5_500
    assert newest["pe"].count() > 2_000
    factors = market.group_by("symbol").agg(pl.col("price_factor", "share_factor").n_unique())
    assert (factors["price_factor"] > 1).sum() > 1_000, "dividends in between"
    assert (factors["share_factor"] > 1).sum() >= 20, "splits in between"


@pytest.mark.parametrize("name", CASES)
def test_a_screen_of_the_whole_market_finds_what_sql_finds(name, market, database) -> None:
    asked, where, order, top = CASES[name]
    query = asked if isinstance(asked, Query) else parse(asked)
    days = market["session"].unique().sort().to_list()[-SCREENED:]
    found = (
        ranked(query, Market(market, days)).sort("session", "rank").select("session", "rank", "symbol").rows()
    )
    expected = by_sql(database, where, order, top, days[0])
    assert found == expected
    assert {session for session, _, _ in found} <= set(days)
    assert len(found) > 20

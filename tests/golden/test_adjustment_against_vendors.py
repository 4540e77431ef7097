"""Adjustment against published factors (16 tickers, 23 years) and a vendor's adjusted closes (the whole market, two years)."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from trading_assets.features.adjust import action_outcomes, adjusted_as_seen_from, adjustment_factors
from trading_assets.sessions import sessions_between

ACTIONS = {
    "symbol": pl.String,
    "ex_date": pl.Date,
    "kind": pl.String,
    "split_ratio": pl.Float64,
    "cash_usd": pl.Float64,
}
RENAMED = date(2009, 8, 4)  # the last session of Waste Management as WMI; WM was another company until 2008
PRECISION = 0.5e-7  # the file has seven decimals

# Sessions from which the file's own prices are the ones in the bars. Before, its reference prices of BAC are those
# of another company (the acquirer's, in 1998), and bars of QQQ are missing from 2004 to 2011 with 24 dividends.
FROM = {"BAC": date(1998, 9, 2), "QQQ": date(2011, 3, 23)}


@pytest.fixture(scope="module")
def bars(shared_data: Path) -> pl.DataFrame:
    raw = pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet")
    waste = raw.filter(
        ((pl.col("symbol") == "WMI") & (pl.col("session") <= RENAMED))
        | ((pl.col("symbol") == "WM") & (pl.col("session") > RENAMED))
    ).with_columns(symbol=pl.lit("WM"))
    others = raw.filter(~pl.col("symbol").is_in(["WM", "WMI"]))
    return pl.concat([others, waste]).sort("symbol", "session")


@pytest.fixture(scope="module")
def published(shared_data: Path) -> pl.DataFrame:
    factors = pl.read_csv(shared_data / "adjustment_factors_1998_2021.csv", try_parse_dates=True)
    return factors.sort("symbol", "last_session").with_columns(
        next_price=pl.col("price_factor").shift(-1).over("symbol"),
        next_split=pl.col("split_factor").shift(-1).over("symbol"),
    )


def actions_of(published: pl.DataFrame, bars: pl.DataFrame, *, declared: bool) -> pl.DataFrame:
    """Read the actions off one symbol's factors: the cash as it follows from them, or the plain amount declared."""
    first, last = bars["session"].min(), bars["session"].max()
    rows = []
    for row in published.filter(pl.col("last_session") < last, pl.col("last_session") >= first).iter_rows(
        named=True
    ):
        (ex_date, *_) = sessions_between(
            row["last_session"] + timedelta(days=1), row["last_session"] + timedelta(days=9)
        )
        if row["price_factor"] != row["next_price"]:
            cash = row["reference_price"] * (1 - row["price_factor"] / row["next_price"])
            cash = plainest(row) if declared else cash
            rows.append((row["symbol"], ex_date, "cash_dividend", None, cash))
        if row["split_factor"] != row["next_split"]:
            rows.append((row["symbol"], ex_date, "split", row["next_split"] / row["split_factor"], None))
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


def plainest(row: dict[str, float]) -> float:
    """Return the amount with the fewest decimals that gives the published factors to their seven decimals."""
    after = 0.0 if row["next_price"] == 1 else PRECISION
    low = row["reference_price"] * (1 - (row["price_factor"] + PRECISION) / (row["next_price"] - after))
    high = row["reference_price"] * (1 - (row["price_factor"] - PRECISION) / (row["next_price"] + after))
    for decimals in range(12):
        amount = math.ceil(low * 10**decimals)
        if 0 < amount <= high * 10**decimals:
            return round((low + high) / 2, decimals) if decimals else float(amount)
    raise AssertionError(row)


def compared(bars: pl.DataFrame, published: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return our factors as seen from the newest bar beside the published ones of every session."""
    factors = adjustment_factors(bars, actions).select(
        "session", dividends=pl.col("price_factor") * pl.col("share_factor"), shares="share_factor"
    )
    both = factors.join_asof(published, left_on="session", right_on="last_session", strategy="forward")
    return both.select(
        "session",
        "price_factor",
        "split_factor",
        ours=pl.col("dividends").last() / pl.col("dividends") * pl.col("price_factor").last(),
        our_split=pl.col("shares") / pl.col("shares").last() * pl.col("split_factor").last(),
    )


def test_our_factors_are_the_published_ones_to_their_precision_at_every_session(
    bars: pl.DataFrame, published: pl.DataFrame
) -> None:
    checked, actions_seen = {}, 0
    for symbol in sorted({*bars["symbol"]} & {*published["symbol"]}):
        own, factors = bars.filter(symbol=symbol), published.filter(symbol=symbol)
        actions = actions_of(factors, own, declared=False)
        # the file has no bars of QQQ from 2004 to 2011: dividends of that silence had no bar to take effect on
        waiting = {"waits for the first bar since"} if symbol == "QQQ" else set()
        assert set(action_outcomes(own, actions)["outcome"]) <= {"applied"} | waiting, symbol
        both = compared(own, factors, actions).filter(pl.col("session") >= FROM.get(symbol, date.min))
        wrong = both.filter(pl.col("ours").round(7) != pl.col("price_factor"))
        assert wrong.is_empty(), wrong
        splits = both.filter((pl.col("our_split") / pl.col("split_factor") - 1).abs() > 1e-12)
        assert splits.is_empty(), splits
        checked[symbol], actions_seen = both.height, actions_seen + actions.height
    assert (len(checked), sum(checked.values()), actions_seen) == (14, 64_431, 670)


@pytest.mark.parametrize(("symbol", "dividends"), [("AAPL", 35), ("IBM", 93), ("WM", 76)])
def test_dividends_as_companies_declare_them_give_the_published_factors(
    bars: pl.DataFrame, published: pl.DataFrame, symbol: str, dividends: int
) -> None:
    own, factors = bars.filter(symbol=symbol), published.filter(symbol=symbol)
    actions = actions_of(factors, own, declared=True)
    cash = actions["cash_usd"].drop_nulls().to_list()
    assert len(cash) == dividends
    assert all(amount == round(amount, 4) for amount in cash)
    both = compared(own, factors, actions)
    assert both.filter(pl.col("ours").round(7) != pl.col("price_factor")).is_empty()


def test_apple_of_june_2018_has_the_price_that_the_data_notes_say(
    bars: pl.DataFrame, published: pl.DataFrame
) -> None:
    own = bars.filter(symbol="AAPL")
    actions = actions_of(published.filter(symbol="AAPL"), own, declared=True)
    splits = actions.filter(kind="split")
    assert splits["split_ratio"].to_list() == pytest.approx([2, 2, 7, 4], rel=1e-4)
    day = pl.col("session") == date(2018, 6, 1)
    seen = adjusted_as_seen_from(own, splits, date(2020, 8, 31)).filter(day)
    assert (own.filter(day)["close"].item(), seen["close"].item()) == (
        190.24,
        pytest.approx(47.56, rel=1e-12),
    )
    assert adjusted_as_seen_from(own, splits, date(2020, 8, 28)).filter(day)["close"].item() == 190.24


def told(collected: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    """Read the actions off the adjusted closes: a session's is changed on the next day if that is an ex-date.

    A ratio far from 1 is a split, in small numbers; otherwise cash, to a hundredth of a cent.
    """
    ratio = pl.col("adj_close") / pl.col("close")
    changed = collected.filter(pl.col("known_on") > pl.col("session"), (ratio - 1).abs() > 1e-9)
    first = changed.sort("known_on").unique(["symbol", "session"], keep="first", maintain_order=True)
    following = dict(pairwise(sessions))
    rows = []
    for symbol, session, close, adjusted in first.select(
        "symbol", "session", "close", "adj_close"
    ).iter_rows():
        if 0.8 <= adjusted / close <= 1:
            rows.append((symbol, following[session], "cash_dividend", None, round(close - adjusted, 4)))
        else:
            rows.append((symbol, following[session], "split", small_ratio(close / adjusted), None))
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


def small_ratio(value: float) -> float:
    below = (round(value * down) / down for down in range(1, 1001) if round(value * down))
    return next((ratio for ratio in below if abs(ratio / value - 1) < 1e-5), value)


def differing(collected: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return the collected rows whose adjusted close is more than 0.1 % from ours, as seen from the day collected."""
    newest = collected.sort("symbol", "session", "known_on").unique(
        ["symbol", "session"], keep="last", maintain_order=True
    )
    factors = adjustment_factors(newest, actions).select("symbol", "session", "price_factor")
    seen = factors.rename({"session": "known_on", "price_factor": "seen_from"}).sort("known_on")
    both = collected.join(factors, on=["symbol", "session"]).sort("known_on")
    both = both.join_asof(seen, on="known_on", by="symbol", check_sortedness=False)
    assert both.height == collected.height
    ours = pl.col("close") / pl.col("price_factor") * pl.col("seen_from")
    return both.filter(~((ours / pl.col("adj_close") - 1).abs() <= 1e-3))


@pytest.fixture(scope="module")
def collected(shared_data: Path) -> pl.DataFrame:
    """Whole-market rows with a price, of real sessions, one a (symbol, session, day of collection); every fifth symbol."""
    rows = pl.read_parquet(shared_data / "us_daily_2015_2017.parquet")
    kept = [*rows["symbol"].unique().sort().gather_every(5), "AAPL", "BAC", "IBM", "NFLX", "AIG", "WM"]
    sessions = sessions_between(date(2015, 3, 20), date(2017, 3, 31))
    usable = pl.col("symbol").is_in(kept) & (pl.col("close") > 0) & pl.col("session").is_in(sessions)
    return rows.filter(usable).unique(["symbol", "session", "known_on"], keep="last", maintain_order=True)


def test_adjusted_closes_are_a_vendors_but_where_it_adjusted_before_the_ex_date(
    collected: pl.DataFrame,
) -> None:
    sessions = sessions_between(date(2015, 3, 20), date(2017, 4, 28))
    actions = told(collected, sessions)
    wrong = differing(collected, actions)
    right = 1 - wrong["symbol"].n_unique() / collected["symbol"].n_unique()
    assert actions.height > 5_000
    assert right > 0.997
    early = wrong.filter(pl.col("known_on") == pl.col("session"))
    assert early.height == wrong.height, (
        "only the newest bar of a day, adjusted for an action that is still to come"
    )


def test_one_vendors_factors_give_another_vendors_adjusted_closes(
    collected: pl.DataFrame, bars: pl.DataFrame, published: pl.DataFrame
) -> None:
    for symbol in ("AAPL", "AIG", "BAC", "IBM", "WM"):
        actions = actions_of(published.filter(symbol=symbol), bars.filter(symbol=symbol), declared=True)
        recent = actions.filter(
            pl.col("ex_date") >= date(2015, 3, 23), pl.col("ex_date") <= date(2017, 3, 31)
        )
        rows = collected.filter(symbol=symbol)
        assert recent.height >= 8
        assert differing(rows, recent).is_empty(), symbol
        forgotten = recent.head(recent.height - 1)
        assert differing(rows, forgotten).height == 1, "the comparison notices one missing dividend"

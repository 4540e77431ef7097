"""Screener: a query over the market of one session, with names, returns and closes beside what passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
import streamlit as st

from app.queries.cached import cached_by
from app.queries.installation import installation, lake_version, newest
from trading_assets.feature_store.adjusted_bars import read_adjusted_bars
from trading_assets.features.seams import newest_instruments
from trading_assets.market_data.findings import blocked_sessions
from trading_assets.screener.evaluate import Evaluation, evaluate, named_values
from trading_assets.screener.explain import Explanation, explain
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import DEFAULT_SORT, And, Comparison, Query, predicates
from trading_assets.screens.stored_market import ScreenerMarket
from trading_assets.screens.stored_sessions import missing_in_words, missing_sessions
from trading_assets.screens.stored_sessions import newest_known as newest_known_session
from trading_assets.sessions import shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE
from trading_assets.tables.screens import SCREENER_EVENTS

SPARKLINE_SESSIONS = 63


@dataclass(frozen=True)
class Moment:
    """Which market to look at: a session, as known at an instant (``None``: now)."""

    session: date
    as_of: datetime | None = None


@dataclass(frozen=True)
class Found:
    """What a query found: its evaluation, and the rows with ``name``, ``sector`` and ``extras`` beside."""

    evaluation: Evaluation
    rows: pl.DataFrame


@cached_by(lambda *_: lake_version(DAILY_FEATURES), entries=60)
def sessions() -> tuple[date, ...]:
    """Return the sessions that have features, oldest first."""
    return tuple(installation().lake.sessions(DAILY_FEATURES))


def newest_session() -> date | None:
    """Return the newest session that has features."""
    return newest(DAILY_FEATURES)


def is_blocked(session: date) -> bool:
    """Say whether blocking checks failed on a session, so that no features should be made of it."""
    return bool(blocked_sessions(installation().database, [session]))


def find(query: Query, moment: Moment) -> Found:
    """Evaluate a query; see ``screener.evaluate`` for what its rows have."""
    beside = extras(query)
    market = _market().load(_with_fields(query, beside), moment.session, as_of=moment.as_of)
    evaluation = evaluate(query, market)
    rows = evaluation.rows
    texts = [column for column in ("name", "sector") if column not in rows.columns]
    rows = rows.join(listed(moment).select("symbol", *texts), on="symbol", how="left", maintain_order="left")
    values = market.keys.select("symbol").with_columns(
        pl.Series(name, market.numbers(name), nan_to_null=True) for name in beside if name not in rows.columns
    )
    return Found(evaluation, rows.join(values, on="symbol", how="left", maintain_order="left"))


def extras(query: Query) -> tuple[str, ...]:
    """Return the fields shown besides those that a query names: the return, what orders it, how old its fundamentals are."""
    named = (value.field for value in named_values(query).values())
    return (
        "return_1",
        *(() if query.sort else (DEFAULT_SORT.field,)),
        *((AGE_COLUMN,) if any(FIELDS[field].group == "fundamental" for field in named) else ()),
    )


@cached_by(lambda *_: lake_version(DAILY_BARS), entries=60)
def newest_known(as_of: datetime) -> date | None:
    """Return the newest session known at an instant; None if nothing was known then."""
    return newest_known_session(installation().lake, as_of)


def newest_passed(as_of: datetime) -> date | None:
    """Return the newest session known at an instant whose checks did not fail; None if there is none."""
    database = installation().database
    return newest_known_session(installation().lake, as_of, lambda days: blocked_sessions(database, days))


def is_known(moment: Moment) -> bool:
    """Say whether any bar of a session was known at an instant."""
    day = moment.session
    bars = installation().lake.scan(DAILY_BARS, start=day, end=day, as_of=moment.as_of, columns=["session"])
    return bool(bars.head(1).collect().height)


def missing(query: Query, moment: Moment) -> str:
    """Say which earlier sessions that a query reads have no features; empty if all have."""
    days = missing_sessions(installation().lake, query, moment.session, as_of=moment.as_of)
    return missing_in_words(days, next(iter(sessions()), None))


def why(query: Query, symbol: str, moment: Moment) -> Explanation:
    """Decide each condition for one symbol."""
    return explain(query, _market().load(query, moment.session, as_of=moment.as_of), symbol)


@cached_by(lambda *_: lake_version(UNIVERSE), entries=60)
def listed(moment: Moment) -> pl.DataFrame:
    """Return the texts of the symbols listed at the session: ``symbol``, ``name``, ``sector``, ``industry``, ``exchange``, ``asset_type``."""
    columns = ("symbol", "name", "sector", "industry", "exchange", "asset_type")
    day = moment.session
    return (
        installation().lake.scan(UNIVERSE, start=day, end=day, columns=columns, as_of=moment.as_of).collect()
    )


@cached_by(lambda *_: lake_version(DAILY_BARS, CORPORATE_ACTIONS), entries=60)
def closes(symbols: Sequence[str], moment: Moment) -> pl.DataFrame:
    """Return ``symbol`` and ``closes``, a list of the last adjusted closes of its instrument up to the session, oldest first."""
    start = shift(moment.session, -(SPARKLINE_SESSIONS - 1))
    bars = read_adjusted_bars(
        installation().lake, symbols, start=start, end=moment.session, as_of=moment.as_of, seen_from=moment.session
    ).bars  # fmt: skip
    return (
        newest_instruments(bars)
        .group_by("symbol")
        .agg(closes=pl.col("close").sort_by("session").cast(pl.Float32))
    )


@cached_by(lambda *_: lake_version(SCREENER_EVENTS), entries=60)
def events(screen: str, session: date) -> pl.DataFrame:
    """Return ``symbol``, ``event`` and ``reason``: what entered and left a saved screen at a session."""
    rows = installation().lake.scan(SCREENER_EVENTS, start=session, end=session)
    return (
        rows.filter(pl.col("screen") == screen)
        .select("symbol", "event", "reason")
        .sort("event", "symbol")
        .collect()
    )


def _with_fields(query: Query, fields: Sequence[str]) -> Query:
    # Only says which columns to read: it may be larger than a query can be.
    leaves = [*predicates(query.where), *(Comparison(field=name, operator=">", value=0) for name in fields)]
    return query.model_copy(update={"where": And.model_construct(filters=tuple(leaves))})


def _market() -> ScreenerMarket:
    lake = installation().lake
    return _opened(str(lake.root))


@st.cache_resource(show_spinner=False, max_entries=4)
def _opened(_root: str) -> ScreenerMarket:
    return ScreenerMarket(installation().lake)

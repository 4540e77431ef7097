"""Yahoo: the ten kinds of company data as they are now, four calls a symbol and one quote call for many, through yfinance."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import polars as pl
from yfinance.const import _BASE_URL_

from resources.clock import Clock
from resources.raw.responses import RawResponse
from resources.raw.store import PackedResponse, PackedResponses, pack
from resources.vendors.bars import new_york_midnight
from resources.vendors.http.fan_out import in_order
from resources.vendors.http.policy import HttpGate
from resources.vendors.protocol import CompanySnapshot, Progress
from resources.vendors.yahoo.chart import CHART_PATH, yahoo_symbol
from resources.vendors.yahoo.company_parse import MODULES, Answers, parse_quotes, parse_summary
from resources.vendors.yahoo.company_series import (
    FREQUENCIES,
    STATEMENT_SCHEMA,
    parse_events,
    parse_statements,
    series_types,
)
from resources.vendors.yahoo.transport import yahoo_data
from trading_assets.sessions import NEW_YORK
from trading_assets.settings import SourceName
from trading_assets.tables.companies import COMPANY_TABLES, FINANCIAL_STATEMENTS
from trading_assets.tables.table import Table

QUOTES_PER_CALL = 100
FIRST_PERIOD = 315_532_800
"""1980-01-01 in seconds: earlier than any statement that Yahoo has."""
_STAMPED = frozenset({"session", "batch_id", "known_at"})


class _Fetched(NamedTuple):
    answers: Answers
    statements: pl.DataFrame
    packed: list[PackedResponse]


class YahooCompanies:
    """Company data of Yahoo.

    For each symbol one quote summary with all modules, one time series of statements a frequency (the lines of both in
    one request would make an address longer than any that Yahoo is known to have answered), and one monthly chart
    for the dividends and splits of its whole history. Quotes are asked for a hundred symbols at once.

    Parameters
    ----------
    base_url
        Simulator, or ``None`` for Yahoo's own hosts.
    gate
        HTTP policy.
    clock
        Gives the present; Yahoo only tells what is true now.
    cache
        Folder for yfinance's cookie and time zone cache.
    workers
        Symbols in flight.
    """

    name: SourceName = "yahoo"

    def __init__(
        self, base_url: str | None, *, gate: HttpGate, clock: Clock, cache: Path, workers: int = 8
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._workers = workers
        self._data = yahoo_data(gate, base_url, cache)

    def companies(
        self, symbols: Sequence[str], session: date, *, progress: Progress | None = None
    ) -> CompanySnapshot:
        """Fetch every kind for ``symbols`` as it is now, dated ``session``."""
        now = self._clock.now()
        # the end of today, so that asking twice a day is the same request
        until = int(new_york_midnight(now.astimezone(NEW_YORK).date() + timedelta(days=1)).timestamp())

        def fetch(symbol: str) -> _Fetched:
            with self._gate.capture(now) as kept:
                fetched = self._company(symbol, session, until, kept)
                return fetched._replace(packed=[pack(response) for response in kept])

        def fetch_quotes(batch: Sequence[str]) -> _Fetched:
            with self._gate.capture(now) as kept:
                spelled = {yahoo_symbol(symbol): symbol for symbol in batch}
                self._data.ask(f"{_BASE_URL_}/v7/finance/quote", {"symbols": ",".join(spelled)})
                answers = parse_quotes(kept[-1], spelled)
                return _Fetched(answers, _NO_STATEMENTS, [pack(response) for response in kept])

        batches = [symbols[at : at + QUOTES_PER_CALL] for at in range(0, len(symbols), QUOTES_PER_CALL)]
        with _old_objects_left_alone():
            parts = list(in_order(fetch_quotes, batches, workers=self._workers))
            for done, part in enumerate(in_order(fetch, symbols, workers=self._workers, ahead=16), start=1):
                parts.append(part)
                if progress:
                    progress(done, len(symbols))
        return _snapshot(parts, session)

    def _company(self, symbol: str, session: date, until: int, kept: Sequence[RawResponse]) -> _Fetched:
        name = quote(yahoo_symbol(symbol))
        self._data.ask(
            f"{_BASE_URL_}/v10/finance/quoteSummary/{name}",
            {"modules": ",".join(MODULES), "corsDomain": "finance.yahoo.com", "formatted": "false"},
        )
        answers = parse_summary(kept[-1], symbol, session)
        frames = []
        for frequency in FREQUENCIES:
            # commas as they are, as the client itself writes them: encoded, the address would be a quarter longer
            self._data.ask(
                f"{_BASE_URL_}/ws/fundamentals-timeseries/v1/finance/timeseries/{name}?symbol={name}"
                f"&type={series_types(frequency)}&period1={FIRST_PERIOD}&period2={until}",
                {},
            )
            statements = parse_statements(kept[-1], symbol)
            frames.append(statements.rows)
            answers.left_out.update(statements.left_out)
            if statements.rows.is_empty():
                answers.left_out[f"companies without {frequency} statements"] += 1
            if statements.peg_ratio is not None:
                for row in answers.rows.get("key_statistics", []):
                    row["peg_ratio"] = statements.peg_ratio
        rows = pl.concat(frames)
        if rows.is_empty():
            answers.empty.setdefault(FINANCIAL_STATEMENTS.name, []).append(symbol)
        self._data.ask(
            f"{_BASE_URL_}{CHART_PATH}{name}",
            {
                "period1": 0,
                "period2": until,
                "interval": "1mo",
                "includePrePost": "false",
                "events": "div,splits",
            },
        )
        events = parse_events(kept[-1], symbol)
        answers.put("dividend_history", symbol, events.dividends)
        answers.put("split_history", symbol, events.splits)
        answers.left_out.update(events.left_out)
        return _Fetched(answers, rows, [])


_NO_STATEMENTS = pl.DataFrame(schema=STATEMENT_SCHEMA)


@contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    # Statements are large trees of JSON. Looking for cycles in all that the process holds, each time some thousands of
    # their nodes were made, took two thirds of the time of reading them.
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _snapshot(parts: Sequence[_Fetched], session: date) -> CompanySnapshot:
    everything = Answers()
    for part in parts:
        for name, rows in part.answers.rows.items():
            everything.rows.setdefault(name, []).extend(rows)
        for name, symbols in part.answers.empty.items():
            everything.empty.setdefault(name, []).extend(symbols)
        everything.left_out.update(part.answers.left_out)
    frames = {
        name: _frame(table, everything.rows.get(name, []), session)
        for name, table in COMPANY_TABLES.items()
        if table is not FINANCIAL_STATEMENTS
    }
    statements = pl.concat([_NO_STATEMENTS, *(part.statements for part in parts)])
    frames[FINANCIAL_STATEMENTS.name] = _dated(statements, FINANCIAL_STATEMENTS, session)
    return CompanySnapshot(
        frames=frames,
        responses=PackedResponses([response for part in parts for response in part.packed]),
        empty={name: tuple(symbols) for name, symbols in everything.empty.items()},
        left_out=dict(everything.left_out),
    )


def _frame(table: Table, rows: Sequence[dict[str, object]], session: date) -> pl.DataFrame:
    schema = {name: dtype for name, dtype in table.schema.items() if name not in _STAMPED}
    columns = {
        name: pl.Series(name, [row.get(name) for row in rows], dtype=dtype, strict=True)
        for name, dtype in schema.items()
    }
    return _dated(pl.DataFrame(columns), table, session)


def _dated(frame: pl.DataFrame, table: Table, session: date) -> pl.DataFrame:
    wanted = [name for name in table.schema if name not in {"batch_id", "known_at"}]
    return frame.with_columns(pl.lit(session, dtype=pl.Date).alias("session")).select(wanted)

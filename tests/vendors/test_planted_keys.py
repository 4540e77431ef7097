"""Planted keys: vendors that echo them everywhere, and still they are nowhere: files, Postgres, DuckDB, logs, errors."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from urllib.parse import quote

import duckdb
import polars as pl
import pytest
import zstandard

from resources.database.snapshots import snapshot_tables
from resources.lake.catalog import write_catalog
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from resources.raw.batches import RawBatches
from resources.raw.store import RawStore
from resources.vendors.examination import examine_sources
from resources.vendors.usage import record_usage
from trading_assets.errors import TradingError
from trading_assets.settings import load_settings
from trading_assets.tables.daily import VENDOR_DAILY_BARS

NOW = datetime(2016, 7, 5, 22, tzinfo=UTC)
SOURCES = ("polygon", "yahoo", "alpaca")


def tables(database):
    names = database.fetch("select table_name from information_schema.tables where table_schema = 'public'")
    return {name: database.fetch_polars(f"select t::text as row from {name} t") for (name,) in names}


@pytest.fixture
def everything_shown(fresh_database, tmp_path, caplog):
    """All that a user, a log shipper or a thief of the folder could read."""

    def read(*said):
        shown = [caplog.text, *map(str, said)]
        shown += [str(frame.to_dicts()) for frame in tables(fresh_database).values()]
        for path in tmp_path.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                shown.append(content.decode("latin-1"))
                if path.suffix == ".zst":
                    reader = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
                    shown.append(reader.read().decode("latin-1"))
                if path.suffix == ".parquet":
                    shown.append(str(pl.read_parquet(path).to_dicts()))
                if path.suffix == ".duckdb":
                    with duckdb.connect(path, read_only=True) as connection:
                        for schema, view in connection.sql(
                            "select schema_name, view_name from duckdb_views() where not internal"
                        ).fetchall():
                            shown.append(str(connection.sql(f'from "{schema}"."{view}"').fetchall()))
        return "\n".join(shown)

    return read


def test_keys_that_vendors_echo_are_kept_nowhere(
    fresh_database,
    tmp_path,
    make_source,
    vendor_server,
    answer,
    good,
    sessions,
    planted,
    caplog,
    everything_shown,
):
    key, secret = planted
    echo = {
        "apiKey": key,
        "secret": secret,
        "url": f"http://h/?apiKey={quote(key)}&s={quote(secret, safe='')}",
    }

    def echoing(request):
        answered = good(request)
        echoed = answer.of(echo).body[1:-1]
        if answered.status == 200:
            answered.body = b"{" + echoed + b"," + answered.body[1:]
        answered.headers = {"X-Request-Id": "id-1", "X-Echo": secret}
        return answered

    vendor_server.respond = echoing
    batches = RawBatches(fresh_database, RawStore(tmp_path / "raw"))
    lake = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    said = []
    with caplog.at_level(logging.DEBUG):
        for name in SOURCES:
            source = make_source(name)
            fetched = source.daily_bars(sessions, ["A"])
            assert fetched.frame.height == 2
            place = {"first": sessions[0], "last": sessions[-1], "rows": 2, "now": NOW}
            batch = batches.keep(name, "daily_bars", fetched.responses, **place)
            table = VENDOR_DAILY_BARS[name]
            missing = [
                column for column in table.schema if column not in {*fetched.frame.columns, "known_at"}
            ]
            stored = fetched.frame.with_columns(
                pl.lit(batch.batch_id if column == "batch_id" else 1, dtype=table.schema[column]).alias(
                    column
                )
                for column in missing
            )
            columns = [column for column in table.schema if column != "known_at"]
            lake.write_sessions(table, stored.select(columns), sessions, known_at=NOW)
            record_usage(fresh_database, [source._gate], NOW)
            said += [fetched, batches.read(batch.batch_id), list(batches.verify()), vars(source)]
        said += _failures(make_source, vendor_server, answer, sessions, echo)
        said += _doctor(tmp_path, vendor_server, key, secret)
    snapshot_tables(fresh_database, tmp_path / "snapshots")
    roots = (tmp_path / "lake", tmp_path / "lake_history", tmp_path / "snapshots")
    write_catalog(tmp_path / "trading.duckdb", *roots)

    shown = everything_shown(*said)
    assert "polygon-daily_bars-" in shown  # it was looked at all right
    assert '"apiKey":"***"' in shown.replace(" ", "")
    for form in (key, secret, quote(secret, safe="")):
        assert form not in shown
    assert any(secret in value for request in vendor_server.requests for value in request.headers.values())


def _failures(make_source, vendor_server, answer, sessions, echo):
    body = answer.of(echo).body
    for bad in (
        answer(body, 401),
        answer(b"<html>" + body),
        answer(body, 429),
        answer(body, 503),
        answer(fault="reset"),
    ):
        vendor_server.respond = lambda _, bad=bad: bad
        for name in SOURCES:
            with pytest.raises(TradingError) as caught:
                make_source(name, attempts=1).daily_bars(sessions, ["A"])
            yield "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def _doctor(tmp_path, vendor_server, key, secret):
    keys = {"alpaca_api_key": key, "alpaca_secret_key": secret, "polygon_api_key": key}
    settings = load_settings(env_file=None, data=tmp_path / "doctor", mode="paper", **keys)
    yield repr(settings)
    yield list(
        examine_sources(settings, lambda _host: vendor_server.url, session=NOW.date(), now=NOW, seconds=4.0)
    )

"""Replay market: daily bars of a Parquet or CSV file, each served from the day on which it was collected.

A row is known ten minutes after the close of its ``known_on`` day; several rows of one (symbol, session) are
versions, and the newest known one counts. The file's mistakes are kept as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.errors import ConfigurationError
from trading_assets.simulator.market.protocol import Instrument
from trading_assets.simulator.market.replay_actions import derive_actions
from trading_assets.simulator.market.replay_steps import AdjustedRows, Read, read_steps
from trading_assets.simulator.market.tape import Rows, TapeMarket, day_number, day_of

_PRICES = ("open", "high", "low", "close", "volume")
_NEEDED = ("symbol", "session", *_PRICES)
_CHUNK_ROWS = 250_000
_GONE_AFTER_DAYS = 14
"""A symbol without bars for this long before the end of the file has left the market."""
_EDGE = 1 << 20
_NAMED = 10


class ReplayMarket(TapeMarket):
    """A recorded market.

    Parameters
    ----------
    path
        Parquet or CSV file with ``symbol``, ``session``, ``open``, ``high``, ``low``, ``close``, ``volume``,
        and, where they are known, ``known_on`` (else a row is known on its session) and ``adj_close``
        (else there are no corporate actions). Adjusted closes of one ``known_on``, or of the file if it has none, are in
        the scale of one day: a dividend or split lies where adjusted over raw close changes between two sessions.

    Raises
    ------
    ConfigurationError
        The file is not there, lacks a column, or has one of another type; or no action can be read from the adjusted
        closes of most symbols, as each was collected without a session beside it. ``unread`` names the symbols if they
        are few.
    """

    def __init__(self, path: Path) -> None:
        self._identity: dict[str, object] = {"kind": "replay", "fingerprint": _fingerprint(path)}
        symbols, columns, read, collected = _load(path)
        _require_readable(read, symbols, path)
        self.unread = tuple(symbols[place] for place in read.alone.tolist())
        self._place, self._day, self._known = columns[0], columns[1], columns[2]
        self._values = columns[3:]
        self._starts = np.searchsorted(self._place, np.arange(len(symbols) + 1, dtype=np.int32))
        self._base = int(self._day.min())
        offsets = self._day - self._base
        # radix sort, and stable: rows of one day stay ordered by place and version
        self._by_day = np.argsort(offsets.astype(np.uint16), kind="stable").astype(np.int32)
        self._day_starts = np.concatenate([[0], np.cumsum(np.bincount(offsets))])
        self.last_collection = day_of(int(self._known.max()))
        actions = derive_actions(read.steps, symbols, collected=collected)
        super().__init__([self._instrument(place, symbol) for place, symbol in enumerate(symbols)], actions)

    @property
    def identity(self) -> dict[str, object]:
        """What makes this market this one: the file's content, wherever it lies."""
        return self._identity

    def first_session(self) -> date:
        """Return the first date with bars."""
        return day_of(self._base)

    def last_session(self) -> date:
        """Return the last date with bars."""
        return day_of(self._base + len(self._day_starts) - 2)

    def shares_outstanding(self, symbol: str, day: date) -> float | None:
        """Return None: the file does not say."""
        del symbol, day
        return None

    def _series(self, place: int, first: int, last: int, known: int) -> Rows:
        begin, end = int(self._starts[place]), int(self._starts[place + 1])
        days = self._day[begin:end]
        low = begin + int(np.searchsorted(days, first))
        high = begin + int(np.searchsorted(days, last, side="right"))
        chosen = np.arange(low, high)[self._known[low:high] <= known]
        return self._rows(chosen[_last_of_each(self._day[chosen])])

    def _section(self, day: int, known: int) -> Rows:
        offset = day - self._base
        if not 0 <= offset < len(self._day_starts) - 1:
            return self._rows(np.empty(0, np.int64))
        chosen = self._by_day[self._day_starts[offset] : self._day_starts[offset + 1]]
        chosen = chosen[self._known[chosen] <= known]
        return self._rows(chosen[_last_of_each(self._place[chosen])])

    def _final(self, place: int, day: int) -> Rows:
        return self._series(place, day, day, 2**31 - 1)

    def _rows(self, chosen: NDArray[np.int32] | NDArray[np.int64]) -> Rows:
        values = self._values
        return Rows(
            self._place[chosen],
            self._day[chosen],
            values[0][chosen],
            values[1][chosen],
            values[2][chosen],
            values[3][chosen],
            values[4][chosen],
        )

    def _instrument(self, place: int, symbol: str) -> Instrument:
        first = int(self._day[self._starts[place]])
        last = int(self._day[self._starts[place + 1] - 1])
        is_gone = last + _GONE_AFTER_DAYS < day_number(self.last_session())
        return Instrument(
            symbol=symbol,
            name=symbol,
            mic="XNYS",
            asset_type="CS",
            listed=day_of(first),
            delisted=day_of(last) if is_gone else None,
        )


def _last_of_each(values: NDArray[np.int32]) -> NDArray[np.bool_]:
    last = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=last[:-1])
    return last


def _fingerprint(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=12)
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            for begin in (0, max(0, size - _EDGE)):
                file.seek(begin)
                digest.update(file.read(_EDGE))
    except OSError as error:
        raise ConfigurationError(
            f"The file to replay cannot be read: {error.strerror}", file=str(path)
        ) from error
    return f"{size}-{digest.hexdigest()}"


def _load(path: Path) -> tuple[list[str], tuple[NDArray[Any], ...], Read, bool]:
    source, given = _checked(path)
    ordered = _is_ordered(source, path)
    if not ordered:
        source = source.collect().sort("symbol", "session", "known_on", maintain_order=True).lazy()
    symbols: list[str] = []
    parts: list[list[NDArray[Any]]] = []
    adjusted = _Adjusted(is_collected="known_on" in given)
    total = int(source.select(pl.len()).collect().item())
    if total == 0:
        raise ConfigurationError("The file to replay has no rows", file=str(path))
    before: pl.DataFrame | None = None
    for offset in range(0, total, _CHUNK_ROWS):
        chunk = source.slice(offset, _CHUNK_ROWS).collect()
        names = chunk.get_column("symbol").unique(maintain_order=True).to_list()
        first = len(symbols) - (bool(symbols) and symbols[-1] == names[0])
        symbols[first:] = names
        place = chunk.get_column("symbol").rle_id().to_numpy().astype(np.int32) + np.int32(first)
        rows = [place, *(_numpy(chunk, name) for name in ("session", "known_on", *_PRICES))]
        if "adj_close" in given:
            adjusted.add(rows, _numpy(chunk, "adj_close"))
        fresh = _is_fresh(chunk, before)
        parts.append([column[fresh] for column in rows])
        before = chunk.tail(1)
    columns = tuple(np.concatenate([part.pop(0) for part in parts]) for _ in range(len(parts[0])))
    return symbols, columns, adjusted.read(), "known_on" in given


class _Adjusted:
    # Takes rows as they are read, and finds the steps of whole symbols.

    def __init__(self, *, is_collected: bool) -> None:
        self._is_collected = is_collected
        self._pending: list[AdjustedRows] = []
        self._found: list[Read] = []

    def add(self, rows: Sequence[NDArray[Any]], adjusted: NDArray[np.float64]) -> None:
        place, day, known, close = rows[0], rows[1], rows[2], rows[6]
        collection = known if self._is_collected else np.zeros_like(day)
        self._pending.append(AdjustedRows(place, day, collection, close, adjusted))
        if place[0] != place[-1]:  # what lies before the last symbol is whole
            self._find(int(np.searchsorted(place, place[-1])))

    def _find(self, count: int) -> None:
        *whole, newest = self._pending
        rows = [*whole, newest.take(slice(count))]
        self._pending = [newest.take(slice(count, None))]
        self._found.append(read_steps(AdjustedRows._make(map(np.concatenate, zip(*rows, strict=True)))))

    def read(self) -> Read:
        if not self._pending:
            return Read.nothing()
        self._find(len(self._pending[-1].place))
        return Read.joined(self._found)


def _require_readable(read: Read, symbols: Sequence[str], path: Path) -> None:
    # a stray row may be alone; where it is the rule, the actions of the file would be missing without a word
    if len(read.alone) * 2 <= len(read.adjusted):
        return
    named = ", ".join(symbols[place] for place in read.alone[:_NAMED].tolist())
    more = f" and {len(read.alone) - _NAMED} more" if len(read.alone) > _NAMED else ""
    raise ConfigurationError(
        f"No dividend or split can be read from the adjusted closes of {named}{more} in the file to replay: each was "
        "collected (known_on) without the session before or after it, and says in no other's scale what it is. If adj_close "
        "is that of one later day, leave out known_on; else leave out adj_close, and there are no corporate actions",
        file=str(path),
    )


def _checked(path: Path) -> tuple[pl.LazyFrame, set[str]]:
    try:
        source = pl.scan_csv(path, try_parse_dates=True) if path.suffix == ".csv" else pl.scan_parquet(path)
        schema = source.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ConfigurationError(
            f"The file to replay is neither Parquet nor CSV: {error}", file=str(path)
        ) from error
    missing = [name for name in _NEEDED if name not in schema]
    if missing:
        raise ConfigurationError(
            f"The file to replay lacks {', '.join(missing)}; it needs {', '.join(_NEEDED)}, and may have known_on "
            "and adj_close",
            file=str(path),
        )
    wrong = [name for name in _PRICES if not schema[name].is_numeric()]
    wrong += [name for name in ("session", "known_on") if name in schema and schema[name] != pl.Date]
    wrong += ["symbol"] if schema["symbol"] not in {pl.String, pl.Categorical} else []
    if wrong:
        kinds = ", ".join(f"{name} is {schema[name]}" for name in wrong)
        raise ConfigurationError(
            f"The file to replay has columns of the wrong type: {kinds}; symbol must be text, session and known_on "
            "dates, the others numbers",
            file=str(path),
        )
    columns = source.select(
        pl.col("symbol").cast(pl.String),
        "session",
        (pl.col("known_on") if "known_on" in schema else pl.col("session")).alias("known_on"),
        *(pl.col(name).cast(pl.Float64) for name in _PRICES),
        (pl.col("adj_close") if "adj_close" in schema else pl.col("close"))
        .cast(pl.Float64)
        .alias("adj_close"),
    )
    return columns, {*schema}


def _is_ordered(source: pl.LazyFrame, path: Path) -> bool:
    key = source.select("symbol", "session", "known_on")
    nulls = key.select(pl.any_horizontal(pl.all().null_count())).collect().item()
    if nulls:
        raise ConfigurationError(
            "The file to replay has rows without symbol, session or known_on", file=str(path)
        )
    symbol, session, known = (pl.col(name) for name in ("symbol", "session", "known_on"))
    later = (symbol > symbol.shift()) | (
        (symbol == symbol.shift())
        & ((session > session.shift()) | ((session == session.shift()) & (known >= known.shift())))
    )
    return bool(key.select(later.fill_null(value=True).all()).collect().item())


def _numpy(chunk: pl.DataFrame, name: str) -> NDArray[Any]:
    column = chunk.get_column(name)
    if column.dtype == pl.Date:
        return column.to_physical().to_numpy()
    return column.fill_null(float("nan")).to_numpy()


def _is_fresh(chunk: pl.DataFrame, before: pl.DataFrame | None) -> NDArray[np.bool_]:
    # a version that repeats the one before it says nothing new
    frame = chunk if before is None else pl.concat([before, chunk])
    same = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift()) for name in ("symbol", "session", *_PRICES)
    )
    fresh = frame.select(~same.fill_null(value=False)).to_series()
    if before is None:
        fresh[0] = True
    return fresh.tail(chunk.height).to_numpy()

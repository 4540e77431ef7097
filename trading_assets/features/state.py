"""State: what a symbol carries from its bars so far to later ones; one row per (symbol, checkpoint).

An indicator that never forgets is a recursion over all bars of a symbol. Its numbers at a checkpoint, the factors of
adjustment, and the last bar stand for all bars before it: with them and the bars since, the features of a later
session are those of the whole history, to the last bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.features.adjust import PRICES
from trading_assets.features.symbol_runs import SymbolRuns
from trading_assets.features.tiles import Tile
from trading_assets.indicators.kernel import FloatArray, IndexArray, Memory
from trading_assets.indicators.registry import CARRIED, INDICATORS
from trading_assets.indicators.workspace import new_array

FACTORS = ("price_factor", "share_factor", "benchmark_close")
CARRIED_SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "session": pl.Date(),
        "bar_session": pl.Date(),
        "bars": pl.Int32(),
        **dict.fromkeys((*PRICES, "volume", *FACTORS, *CARRIED), pl.Float64()),
    }
)
"""Of each symbol at the checkpoint ``session``: its last bar (``bar_session``, raw prices and volume), how many bars it
has had, the factors of that bar, the benchmark's adjusted close then, and what the indicators carry (null before the
first bar that has it)."""


def fingerprints(
    bars: Mapping[date, str], actions: Mapping[date, str], days: Iterable[date]
) -> dict[date, str]:
    """Say, for each day, what its state is made from: two states with the same fingerprint are the same.

    Parameters
    ----------
    bars, actions
        Content hash of each session's bars, and of the corporate actions of each ex-date.
    days
        Checkpoints.

    Returns
    -------
    dict
        A hash over the bars and actions up to each day, and over the code that turns them into state.
    """
    running = hashlib.blake2b(_definition(), digest_size=16)
    facts = sorted(
        [(day, "bars", known) for day, known in bars.items()]
        + [(day, "actions", known) for day, known in actions.items()]
    )
    found, place = {}, 0
    for day in sorted(set(days)):
        while place < len(facts) and facts[place][0] <= day:
            running.update(" ".join(map(str, facts[place])).encode())
            place += 1
        found[day] = running.hexdigest()
    return found


_MAKES_NO_STATE = frozenset(
    {"compile.py", "crossing.py", "known_versions.py", "ratios.py", "registry.py", "series.py"}
)
"""Modules of features and indicators whose change leaves the checkpoints as they are; any other is part of them."""


@cache
def _definition() -> bytes:
    recursive = [indicator for indicator in INDICATORS if indicator.carries]
    entries = [(indicator.inputs, indicator.parameters, indicator.carries) for indicator in recursive]
    sources = [
        (module.name, module.read_bytes())
        for package in ("trading_assets.features", "trading_assets.indicators")
        for module in sorted(files(package).iterdir(), key=lambda module: module.name)
        if module.name.endswith(".py") and module.name not in _MAKES_NO_STATE
    ]
    return repr((sources, entries)).encode()


@dataclass(frozen=True)
class CarriedRuns:
    """What the first bar of each run comes with: nothing where it is the symbol's first."""

    age: IndexArray  # bars of the symbol before the run's first
    factors: tuple[FloatArray, FloatArray] | None
    is_carried: NDArray[np.bool_]  # a run that begins with its symbol's only bar so far is carried too
    benchmark_close: FloatArray
    numbers: FloatArray  # (CARRIED, runs)

    @classmethod
    def of(cls, carried: pl.DataFrame | None, symbols: SymbolRuns) -> CarriedRuns:
        """Find the carried numbers of each run, in the order of the runs."""
        runs = len(symbols.symbols)
        if carried is None or carried.is_empty():
            return cls(
                np.zeros(runs, dtype=np.int64), None, np.zeros(runs, np.bool_), np.empty(0), np.empty((0, 0))
            )
        own = pl.DataFrame({"symbol": symbols.symbols}).join(
            carried, on="symbol", how="left", maintain_order="left"
        )
        price, share = (own[name].fill_null(1.0).to_numpy(writable=True) for name in FACTORS[:2])
        return cls(
            age=own["bars"].fill_null(1).to_numpy().astype(np.int64) - 1,
            factors=(price, share),
            is_carried=own["bars"].is_not_null().to_numpy(),
            benchmark_close=_numbers(own["benchmark_close"]),
            numbers=np.stack([_numbers(own[name]) for name in CARRIED]),
        )

    def memories(self, tile: Tile) -> dict[str, Memory]:
        """Return each indicator's memory, row 0 filled in where the run does not begin with the symbol's first bar."""
        age = np.ascontiguousarray(self.age[tile.runs])
        memories, first = {}, 0
        for indicator in INDICATORS:
            if not (count := len(indicator.carries)):
                continue
            values = new_array(count, tile.bars, len(tile.runs))
            if len(self.numbers):
                values[:, 0] = self.numbers[first : first + count, tile.runs]
            memories[indicator.features[0].name] = Memory(values, age)
            first += count
        return memories

    def benchmark(self, tile: Tile, values: FloatArray) -> FloatArray:
        """Put the benchmark's close at the carried bars into the first row."""
        if len(self.benchmark_close):
            values[0] = np.where(self.is_carried[tile.runs], self.benchmark_close[tile.runs], values[0])
        return values

    def at_first_rows(self, benchmark: FloatArray, symbols: SymbolRuns) -> FloatArray:
        """Put the benchmark's close at the carried bars into the first row of each run."""
        if len(self.benchmark_close):
            runs = np.flatnonzero(self.is_carried)
            benchmark[symbols.starts[runs]] = self.benchmark_close[runs]
        return benchmark


@dataclass(frozen=True)
class Kept:
    """What is carried at some checkpoints: filled in tile by tile, each run in its own columns."""

    days: Sequence[date]
    rows: IndexArray  # (days, runs): the last row up to the day; before the run's first where there is none
    runs: SymbolRuns
    numbers: FloatArray  # (CARRIED, days, runs)

    @classmethod
    def at(cls, days: Sequence[date], symbols: SymbolRuns) -> Kept:
        """Find the last bar of each run up to each day."""
        count = len(symbols.symbols)
        if not days:
            return cls(
                days, np.empty((0, count), dtype=np.int64), symbols, np.empty((len(CARRIED), 0, count))
            )
        ends = np.array(days, dtype="datetime64[D]").astype(np.int64)
        rows = np.stack([symbols.first_since(np.arange(count), np.full(count, end + 1)) - 1 for end in ends])
        return cls(days, rows, symbols, np.empty((len(CARRIED), len(days), count)))

    def note(self, tile: Tile, memories: dict[str, Memory]) -> None:
        """Take the numbers of the tile's runs."""
        if not len(self.days):
            return
        rows = np.maximum(self.rows[:, tile.runs] - tile.starts, 0)
        column, first = np.arange(len(tile.runs))[None, :], 0
        for memory in memories.values():
            count = len(memory.values)
            self.numbers[first : first + count, :, tile.runs] = memory.values[:, rows, column]
            first += count

    def frame(
        self, bars: pl.DataFrame, carried: CarriedRuns, factors: tuple[FloatArray, FloatArray, FloatArray]
    ) -> pl.DataFrame:
        """Return the rows of ``CARRIED_SCHEMA``, checkpoint after checkpoint.

        ``factors`` are price factor, share factor and the benchmark's close, by row of the bars.
        """
        parts = [pl.DataFrame(schema=CARRIED_SCHEMA)]
        for number, day in enumerate(self.days):
            runs = np.flatnonzero(self.rows[number] >= self.runs.starts[:-1])
            rows = self.rows[number, runs]
            own = bars[rows]
            count = rows - self.runs.starts[runs] + 1 + carried.age[runs]
            numbers = {
                **dict(zip(FACTORS, (factor[rows] for factor in factors), strict=True)),
                **dict(zip(CARRIED, self.numbers[:, number, runs], strict=True)),
            }
            parts.append(
                pl.DataFrame(
                    {
                        "symbol": own["symbol"],
                        "session": pl.repeat(day, len(rows), dtype=pl.Date, eager=True),
                        "bar_session": own["session"],
                        "bars": pl.Series(count, dtype=pl.Int32),
                        **{name: own[name].cast(pl.Float64) for name in (*PRICES, "volume")},
                        **{
                            name: pl.Series(np.ascontiguousarray(values), dtype=pl.Float64, nan_to_null=True)
                            for name, values in numbers.items()
                        },
                    }
                ).select(CARRIED_SCHEMA.names())
            )
        return pl.concat(parts)


def _numbers(values: pl.Series) -> FloatArray:
    return values.fill_null(float("nan")).to_numpy()

"""Rows by symbol: the rows of some days of a table, each symbol's together and oldest first, without sorting them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from resources.lake.lake import Lake
from trading_assets.features.symbol_runs import SymbolRuns, copy_stretches, repeated
from trading_assets.tables.table import Table


@dataclass(frozen=True)
class SymbolRows:
    """Frames of the same columns that follow each other in time, each sorted by symbol; columns have no nulls.

    ``runs`` has a row for each frame and symbol: ``part`` is the frame, ``first`` the row in it, ``rows`` their number.
    """

    parts: Sequence[pl.DataFrame]
    runs: pl.DataFrame

    @classmethod
    def of(cls, parts: Sequence[pl.DataFrame]) -> SymbolRows:
        """Find the runs of the symbols; frames without rows are left out."""
        filled = [part.rechunk() for part in parts if part.height] or [parts[0].clear()]
        runs = pl.concat(
            part["symbol"]
            .rle()
            .struct.unnest()
            .select(
                symbol="value",
                part=pl.lit(number, pl.Int64),
                first=pl.col("len").cast(pl.Int64).cum_sum() - pl.col("len"),
                rows=pl.col("len").cast(pl.Int64),
            )
            for number, part in enumerate(filled)
        )
        return cls(filled, runs)

    @classmethod
    def read(
        cls,
        lake: Lake,
        table: Table,
        columns: Sequence[str],
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        unread: Mapping[str, float] | None = None,
    ) -> SymbolRows:
        """Read the columns of some days of a table whose key is (symbol, time); those ``unread`` have one value instead."""
        read = [name for name in columns if name not in (unread or {})]
        filled = [pl.lit(value).alias(name) for name, value in (unread or {}).items()]
        scans = lake.scan_parts(table, start=start, end=end, symbols=symbols, columns=read)
        empty = pl.DataFrame(schema={name: table.schema[name] for name in columns})
        return cls.of([empty, *(part.with_columns(filled).select(columns) for part in pl.collect_all(scans))])

    def followed_by(self, others: SymbolRows) -> SymbolRows:
        """Return these rows and the others, which are later, or of other symbols."""
        moved = others.runs.with_columns(pl.col("part") + len(self.parts))
        return SymbolRows([*self.parts, *others.parts], pl.concat([self.runs, moved]))

    def without(self, symbols: Collection[str]) -> SymbolRows:
        """Leave some symbols out."""
        return SymbolRows(self.parts, self.runs.filter(~pl.col("symbol").is_in(list(symbols))))

    def together(self) -> tuple[pl.DataFrame, SymbolRuns]:
        """Return the rows sorted by symbol and time, and where each symbol's begin; one column is ``session``."""
        rows = self.frame()
        lengths = self.runs.group_by("symbol").agg(pl.col("rows").sum()).sort("symbol")
        starts = np.append(0, lengths["rows"].cum_sum().to_numpy()).astype(np.int64)
        return rows, SymbolRuns(
            lengths["symbol"], starts, rows["session"].to_physical().cast(pl.Int64).to_numpy()
        )

    def frame(self) -> pl.DataFrame:
        """Return the rows sorted by symbol and time."""
        if len(self.parts) == 1 and self.runs["rows"].sum() == self.parts[0].height:
            return self.parts[0]
        runs = self.runs.sort("symbol", maintain_order=True)  # a symbol's parts stay in the order of time
        rows = runs["rows"].to_numpy()
        borders = np.append(0, np.cumsum(rows)).astype(np.int64)
        runs = runs.with_columns(place=pl.Series(borders[:-1]))
        total = int(borders[-1])
        schema = self.parts[0].schema
        by_part = [
            [own[name].to_numpy() for name in ("first", "rows", "place")]
            for own in (runs.filter(part=number) for number in range(len(self.parts)))
        ]

        def column(name: str) -> pl.Series:
            if name == "symbol":
                own = repeated(
                    np.arange(len(rows), dtype=np.uint32), borders, np.empty(total, dtype=np.uint32)
                )
                return runs["symbol"].gather(pl.Series(own)).alias(name)
            out = np.empty(total, dtype=self.parts[0][name].to_physical().to_numpy().dtype)
            for part, (first, count, place) in zip(self.parts, by_part, strict=True):
                if len(first):
                    copy_stretches(part[name].to_physical().to_numpy(), first, count, place, out)
            return pl.Series(name, out).cast(schema[name])

        with ThreadPoolExecutor(2) as pool:
            return pl.DataFrame(list(pool.map(column, schema)))

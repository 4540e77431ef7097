"""How the results of a screen are told: what was understood, what each condition removed, the table, the counts."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from trading_assets.cli.output import err, out, table

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.screener.evaluate import Evaluation
    from trading_assets.screener.filters import Query

NAME_WIDTH = 32


@dataclass(frozen=True)
class Asked:
    """What to look for, in the canonical words for it, and when; instants are shown in ``zone``."""

    query: Query
    text: str
    session: date
    as_of: datetime | None
    zone: tzinfo


def when(asked: Asked) -> dict[str, Any]:
    """Return what was asked, as JSON has it."""
    return {"session": asked.session, "as_of": asked.as_of, "understood": asked.text,
            "query": asked.query.model_dump(mode="json")}  # fmt: skip


def document(asked: Asked, found: Evaluation) -> dict[str, Any]:
    """Return the results as one JSON document."""
    names = ("passed", "failed", "missing", "remaining")
    conditions = [
        {"condition": item.text, **{name: getattr(item, name) for name in names}} for item in found.conditions
    ]
    counts = {"screened": found.screened, "matched": found.matched, "undecided": found.undecided}
    return {**when(asked), **counts, "conditions": conditions, "rows": found.rows.to_dicts()}


def print_results(asked: Asked, found: Evaluation, csv: str | None, limit: int) -> None:
    """Print the results, or write them as CSV."""
    if csv == "-":
        sys.stdout.write(found.rows.write_csv())
        return
    print_understood(asked)
    if found.conditions:
        columns = ("condition", "fail it", "lack the data", "left after it")
        counts = [
            (item.text, f"{item.failed:,}", f"{item.missing:,}", f"{item.remaining:,}")
            for item in found.conditions
        ]
        out.print(table("", columns, counts, right=columns[1:]))
    _print_rows(found.rows.head(limit))
    if csv is not None:
        found.rows.write_csv(csv)
        err.print(f"{found.rows.height:,} rows written to {csv}", highlight=False, soft_wrap=True)
    _print_counts(asked, found, min(limit, found.rows.height))


def print_understood(asked: Asked) -> None:
    """Print what was understood, and which market is looked at."""
    known = f", as known at {asked.as_of.astimezone(asked.zone):%Y-%m-%d %H:%M %Z}" if asked.as_of else ""
    out.print(f"Understood: {asked.text}", style="bold", markup=False, highlight=False)
    out.print(f"Session {asked.session}{known}", style="dim", markup=False, highlight=False)


def _print_rows(rows: pl.DataFrame) -> None:
    from trading_assets.screener.display import shown
    from trading_assets.screener.fields import FIELDS

    if rows.is_empty():
        return
    first = [name for name in ("rank", "symbol", "name", "close", "badge") if name in rows.columns]
    if "name" in first and rows["name"].null_count() == rows.height:
        first.remove("name")
    named = [*first, *(name for name in rows.columns if name not in {*first, "session", "name"})]
    cells = []
    for row in rows.select(named).iter_rows(named=True):
        values = {name: _cell(name, value, shown) for name, value in row.items()}
        cells.append(tuple(values.values()))
    labels = {name: _label(name, FIELDS) for name in named}
    numeric = tuple(labels[name] for name in named if rows.schema[name].is_numeric())
    out.print(table("", tuple(labels.values()), cells, right=numeric))


def _cell(name: str, value: object, shown: Any) -> object:
    if name == "name" and isinstance(value, str):
        return value if len(value) <= NAME_WIDTH else f"{value[: NAME_WIDTH - 1]}…"
    if isinstance(value, float):
        return shown(_field(name)[0], value)
    return value


def _field(column: str) -> tuple[str, int]:
    # "close_5_ago" is the close of five sessions before: see `evaluate.named_values`
    parts = column.rsplit("_", 2)
    if len(parts) == 3 and parts[2] == "ago":
        with suppress(ValueError):
            return parts[0], int(parts[1])
    return column, 0


def _label(column: str, fields: Any) -> str:
    if column in {"rank", "symbol", "name", "badge"}:
        return column
    field, ago = _field(column)
    return f"{fields[field].label}{f', {ago} ago' if ago else ''}"


def _print_counts(asked: Asked, found: Evaluation, printed: int) -> None:
    from trading_assets.features.fundamentals import AGE_COLUMN

    parts = [f"{found.matched:,} of {found.screened:,} symbols pass"]
    if found.undecided:
        parts.append(f"{found.undecided:,} cannot be decided for lack of data")
    if found.matched > 1 and asked.query.sort is None:
        parts.append("what trades most comes first")
    if printed < found.matched:
        parts.append(f"{printed:,} shown")
    err.print("; ".join(parts), highlight=False)
    if not found.screened:
        err.print(f"Session {asked.session} has no features: choose another --session", highlight=False)
    if AGE_COLUMN in found.rows.columns and found.rows[AGE_COLUMN].count():
        ages = found.rows[AGE_COLUMN].drop_nulls().sort().to_list()
        told = f"Their fundamentals are {ages[0]:.0f} to {ages[-1]:.0f} days old"
        err.print(told, style="dim", highlight=False)

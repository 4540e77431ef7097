"""How the results of a screen are told: what was understood, what each condition removed, the table, the counts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from trading_assets.cli.output import err, out, print_table
from trading_assets.errors import ConfigurationError
from trading_assets.screener.display import shown, tells_names, written
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import DEFAULT_SORT
from trading_assets.tables.fundamentals import AGE_COLUMN

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.screener.evaluate import Evaluation
    from trading_assets.screener.filters import Query

NAME_WIDTH = 32
KEPT = ("rank", "symbol", "badge", "close")
"""Columns that are printed however narrow the screen is."""


@dataclass(frozen=True)
class Asked:
    """What to look for, in the canonical words for it, and when; instants are shown in ``zone``."""

    query: Query
    text: str
    session: date
    as_of: datetime | None
    zone: tzinfo
    note: str = ""
    """What of the market is missing, or not to be trusted."""


def when(asked: Asked) -> dict[str, Any]:
    """Return what was asked, as JSON has it."""
    return {"session": asked.session, "as_of": asked.as_of, "understood": asked.text,
            "query": asked.query.model_dump(mode="json"), **({"note": asked.note} if asked.note else {})}  # fmt: skip


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
        _print_note(asked)
        sys.stdout.write(found.rows.write_csv())
        return
    print_understood(asked)
    if found.conditions:
        columns = ("condition", "fail it", "lack the data", "left after it")
        counts = [
            (item.text, f"{item.failed:,}", f"{item.missing:,}", f"{item.remaining:,}")
            for item in found.conditions
        ]
        print_table("", columns, counts, right=columns[1:], folded=columns[:1])
    _print_rows(asked, found.rows.head(limit))
    if csv is not None:
        write_text(Path(csv), found.rows.write_csv(), "--csv")
        err.print(f"{found.rows.height:,} rows written to {csv}", highlight=False, soft_wrap=True)
    _print_counts(asked, found, min(limit, found.rows.height))


def print_understood(asked: Asked) -> None:
    """Print what was understood, and which market is looked at."""
    known = f", as known at {asked.as_of.astimezone(asked.zone):%Y-%m-%d %H:%M %Z}" if asked.as_of else ""
    out.print(f"Understood: {asked.text}", style="bold", markup=False, highlight=False)
    out.print(f"Session {asked.session}{known}", style="dim", markup=False, highlight=False)
    _print_note(asked)


def _print_note(asked: Asked) -> None:
    if asked.note:
        err.print(asked.note, style="yellow", markup=False, highlight=False, soft_wrap=True)


def check_target(file: Path, option: str) -> None:
    """Refuse a file that cannot be written, before anything is computed for it."""
    if file.is_dir():
        raise ConfigurationError(f"{option} {file} is a folder: name a file in it")
    if not file.parent.is_dir():
        raise ConfigurationError(f"{option} {file} cannot be written: there is no folder {file.parent}")


def write_text(file: Path, text: str, option: str) -> None:
    """Write a file, or say why it cannot be written."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{option} {file} cannot be written: {error.strerror}") from None


def _print_rows(asked: Asked, rows: pl.DataFrame) -> None:
    if rows.is_empty():
        return
    named = _columns(asked, rows)
    cells = {name: [_cell(name, value) for value in rows[name]] for name in named}
    labels = {name: _label(name) for name in named}
    whole = {name: max(len(labels[name]), *map(len, cells[name])) for name in named}
    broken = {name: max(*map(len, labels[name].split()), *map(len, cells[name])) for name in named}
    widths = whole if _width(whole) <= out.width else broken  # headings may be broken between words
    kept = _fitting(named, widths)
    made = Table(header_style="bold")
    for name in kept:
        right = rows.schema[name].is_numeric()
        made.add_column(labels[name], justify="right" if right else "left", width=widths[name])
    for row in zip(*(cells[name] for name in kept), strict=True):
        made.add_row(*(Text(cell, no_wrap=True) for cell in row))
    out.print(made)
    left = [labels[name] for name in named if name not in kept]
    if left:
        told = f"No room for {', '.join(left)}: --csv FILE and --json have all columns"
        err.print(told, style="dim", markup=False, highlight=False, soft_wrap=True)


def _columns(asked: Asked, rows: pl.DataFrame) -> list[str]:
    # what is asked for comes before what is always there, and what says nothing is left out
    first = ["rank", "symbol", "badge", "close"]
    order = asked.query.sort or DEFAULT_SORT
    rest = [name for name in rows.columns if name not in {*first, "session", "name", order.field, AGE_COLUMN}]
    last = [AGE_COLUMN, "name"]
    if "name" in rows.columns and not tells_names(rows):
        last.remove("name")
    sort = [order.field] if order.field not in first else []
    ordered = [*first, *sort, *rest] if asked.query.sort else [*first, *rest, *sort]
    return [name for name in dict.fromkeys([*ordered, *last]) if name in rows.columns]


def _fitting(names: Sequence[str], widths: Mapping[str, int]) -> list[str]:
    kept = [name for name in names if name in KEPT]
    for name in names:
        if name not in kept and _width({item: widths[item] for item in [*kept, name]}) <= out.width:
            kept.append(name)
    return [name for name in names if name in kept]


def _width(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + 3 * len(widths) + 1  # a border and two blanks each


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name == "name":
        text = str(value)
        return text if len(text) <= NAME_WIDTH else f"{text[: NAME_WIDTH - 1]}…"
    if isinstance(value, float):
        return shown(_field(name)[0], value)
    return written(name, str(value))


def _field(column: str) -> tuple[str, int]:
    # "close_5_ago" is the close of five sessions before: see `evaluate.named_values`
    parts = column.rsplit("_", 2)
    if len(parts) == 3 and parts[2] == "ago":
        with suppress(ValueError):
            return parts[0], int(parts[1])
    return column, 0


def _label(column: str) -> str:
    if column in {"rank", "symbol", "name", "badge"}:
        return column
    field, ago = _field(column)
    return f"{FIELDS[field].label}{f', {ago} ago' if ago else ''}"


def _print_counts(asked: Asked, found: Evaluation, printed: int) -> None:
    parts = [f"{found.matched:,} of {found.screened:,} symbols pass"]
    if found.undecided:
        parts.append(f"{found.undecided:,} cannot be decided for lack of data")
    if found.matched > 1 and asked.query.sort is None:
        parts.append("what trades most comes first")
    if printed < found.matched:
        parts.append(f"{printed:,} shown")
    err.print("; ".join(parts), highlight=False)
    if AGE_COLUMN in found.rows.columns and found.rows[AGE_COLUMN].count():
        ages = found.rows[AGE_COLUMN].drop_nulls().sort().to_list()
        span = f"{ages[0]:.0f}" if ages[0] == ages[-1] else f"{ages[0]:.0f} to {ages[-1]:.0f}"
        days = "day" if span == "1" else "days"
        told = "of the same day" if span == "0" else f"{span} {days} old"
        err.print(f"Their fundamentals are {told}", style="dim", highlight=False)

"""What every materialisation reports: counts, versions, a preview and a picture, for the Dagster UI and the CLI."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from trading_assets.tables.table import Relation

OWNERS = ["team:trading"]
PREVIEW_ROWS = 8


def column_schema(table: Relation) -> dg.TableSchema:
    """Return the table's columns as Dagster shows them: type, unit and meaning."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=column.type_name,
                description=column.meaning,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=table.key == (name,)),
            )
            for name, column in table.columns.items()
        ]
    )


def definition_metadata(table: Relation) -> dict[str, Any]:
    """Return the metadata of a table's asset that never change: schema, key and how to query it."""
    return {
        "dagster/column_schema": column_schema(table),
        "dagster/table_name": table.name,
        "key": ", ".join(table.key),
        "query": dg.MetadataValue.md(f'```sql\ntrading-assets sql "from {table.name} limit 10"\n```'),
    }


def combined_version(hashes: Mapping[Any, str]) -> str:
    """Return one version for several sessions: the session's own hash if there is only one."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    digest = hashlib.blake2b(digest_size=16)
    for key in sorted(hashes, key=str):
        digest.update(f"{key}={hashes[key]};".encode())
    return digest.hexdigest()


def preview(frame: pl.DataFrame, *, rows: int = PREVIEW_ROWS) -> dg.MarkdownMetadataValue:
    """Return the first rows as a Markdown table."""
    if frame.is_empty():
        return dg.MetadataValue.md("*no rows*")
    head = frame.head(rows)
    lines = ["| " + " | ".join(head.columns) + " |", "|" + " --- |" * head.width]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in head.iter_rows()]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:,.6g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")[:60]


def sparkline(values: Sequence[float], labels: tuple[str, str], *, title: str) -> dg.MarkdownMetadataValue:
    """Return a small bar picture of a series as Markdown text blocks (kept in the event log, so a few bytes only)."""
    blocks = "▁▂▃▄▅▆▇█"
    top, bottom = max(values), min(values)
    span = (top - bottom) or 1.0
    drawn = "".join(blocks[int((value - bottom) / span * (len(blocks) - 1))] for value in values)
    return dg.MetadataValue.md(
        f"**{title}**\n\n`{drawn}`\n\n{labels[0]} … {labels[1]}; {bottom:,.0f} to {top:,.0f}"
    )


def frame_metadata(frame: pl.DataFrame, *, date_column: str = "session") -> dict[str, Any]:
    """Return counts, range, null counts and a preview of the rows of one materialisation."""
    metadata: dict[str, Any] = {"dagster/row_count": frame.height, "preview": preview(frame)}
    if "symbol" in frame.columns:
        metadata["symbols"] = frame["symbol"].n_unique()
    if date_column in frame.columns and not frame.is_empty():
        dates = frame[date_column]
        metadata["sessions"] = dates.n_unique()
        metadata["first_session"], metadata["last_session"] = str(dates.min()), str(dates.max())
        per_day = frame.group_by(date_column).len().sort(date_column)
        if per_day.height > 1:
            tail = per_day.tail(120)
            metadata["rows_per_session"] = sparkline(
                tail["len"].cast(pl.Float64).to_list(),
                (str(tail[date_column][0]), str(tail[date_column][-1])),
                title="Rows per session",
            )
    nulls = {name: count for name, count in frame.null_count().row(0, named=True).items() if count}
    metadata["nulls"] = dg.MetadataValue.json(nulls)
    return metadata

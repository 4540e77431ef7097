"""Markdown of the reference: tables, and the mark below which a page is written anew."""

from __future__ import annotations

from collections.abc import Iterable

MARK = "<!-- reference: written by `python -m trading_assets.reference` -->"


def with_reference(page: str, reference: str) -> str:
    """Return a page with everything after the mark replaced by the reference."""
    return f"{page.partition(MARK)[0]}{MARK}\n\n{reference}"


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """Return a table, a line a row; bars within cells are escaped."""
    lines = [head, ("---",) * len(head), *rows]
    escaped = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)

"""Options that several commands share."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from trading_assets.errors import ConfigurationError

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
SessionOption = Annotated[
    str | None,
    typer.Option(
        "--session", metavar="YYYY-MM-DD", help="Exchange session; default: the newest one that is over."
    ),
]


def parse_day(text: str, option: str) -> date:
    """Read a date, or say which option was wrong."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} must be a date such as 2026-11-20, not {text!r}") from None

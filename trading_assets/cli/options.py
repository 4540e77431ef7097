"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from trading_assets.errors import ConfigurationError

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
WideOption = Annotated[bool, typer.Option("--wide", help="Show all columns, however narrow the terminal is.")]
SessionOption = Annotated[
    str | None,
    typer.Option(
        "--session", metavar="YYYY-MM-DD", help="Exchange session; default: the newest one that is over."
    ),
]

AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="INSTANT",
        help="See the tables as known then, e.g. 2026-11-20T18:00-05:00, or '7 days ago'.",
    ),
]


def parse_day(text: str, option: str) -> date:
    """Read a date, or say which option was wrong."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} must be a date such as 2026-11-20, not {text!r}") from None


def parse_parameters(given: Iterable[str], option: str = "--param") -> dict[str, str]:
    """Read parameters of a strategy, ``name=value`` each, or say which one was wrong."""
    found: dict[str, str] = {}
    for text in given:
        name, is_there, value = text.partition("=")
        if not is_there or not name.strip():
            raise ConfigurationError(f"{option} must be a parameter such as entry_rank=10, not {text!r}")
        if name.strip() in found:
            raise ConfigurationError(f"{option} {name.strip()} is given twice")
        found[name.strip()] = value.strip()
    return found


def parse_instant(text: str, option: str = "--as-of") -> datetime:
    """Read an instant, or say which option was wrong and how."""
    from resources.clock import SystemClock  # takes 0.1 s with requests

    if ago := re.fullmatch(r"(\d{1,5}) days? ago", text.strip()):
        return SystemClock().now() - timedelta(days=int(ago[1]))
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{option} must be an instant such as 2026-11-20T18:00-05:00, or '7 days ago', not {text!r}"
        ) from None
    if instant.tzinfo is None:
        raise ConfigurationError(
            f"{option} needs a zone: {instant:%Y-%m-%dT%H:%M}Z for UTC, or "
            f"{instant:%Y-%m-%dT%H:%M}-05:00 for New York in winter"
        )
    return instant.astimezone(UTC)

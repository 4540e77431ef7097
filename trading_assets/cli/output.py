"""How commands speak: tables and progress for people, JSON for programs, one line and an exit code for errors."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import wraps
from pydoc import pager
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trading_assets.errors import ConfigurationError, TradingError
from trading_assets.zones import zone_word

P = ParamSpec("P")
R = TypeVar("R")

EXIT_FAILED = 1
EXIT_USAGE = 2

_DISK_ERRORS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}

_DRIVERS = {"psycopg", "psycopg2", "psycopg_pool"}
_WRAPPERS = {"sqlalchemy", "dagster"}
_CONNECTION_ERRORS = {"OperationalError", "InterfaceError", "PoolTimeout", "PoolClosed"}

PIPED_WIDTH = 160
FOLDED_WIDTH = 22
"""A column of sentences is given so much room before another one is left out."""

out = Console()
err = Console(stderr=True)
if not out.is_terminal:
    out.width = PIPED_WIDTH  # a pipe has no width: do not squeeze tables into eighty columns


def plain(value: object) -> object:
    """Return ``value`` as JSON can carry it: instants in ISO 8601, decimals as numbers."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def print_json(value: object) -> None:
    """Write one JSON document to standard output; a number that JSON does not know (NaN, an infinity) is null."""
    sys.stdout.write(json.dumps(_finite(value), default=plain, indent=2, allow_nan=False) + "\n")


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> Table:
    """Return a Rich table whose ``right`` columns are aligned as numbers; those and the ``whole`` ones are never broken."""
    made = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column in {*right, *whole},
            overflow="fold",  # a word that is too long for its column is broken, never cut
        )
    for row in rows:
        made.add_row(
            *(Text("" if cell is None else str(cell)) for cell in row)
        )  # brackets in it are no markup
    return made


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Sequence[str] = (),
    folded: Sequence[str] = (),
    optional: Sequence[str] = (),
    zone: tzinfo = UTC,
    keep_empty: bool = False,
    wide: bool = False,
) -> None:
    """Print a table that a terminal of 80 columns shows without a broken number.

    Instants are shown in one zone, which the header of their column names: of commands the user's (TRADING_USER_TIMEZONE), of
    `sql` UTC, in which it also reads literals.

    Parameters
    ----------
    title, columns, rows
        What to print; cells are text, numbers, instants or None.
    right
        Columns that are aligned as numbers.
    folded
        Columns of sentences, which may go over several lines.
    optional
        Columns that are left out where they are empty, or where there is no room, the last one first; those are named.
    zone
        Of the instants.
    keep_empty
        Show optional columns although they are empty.
    wide
        Leave out nothing, however wide the terminal is.
    """
    labels = _labels(columns, rows, zone)
    texts = [[_text(cell, zone) for cell in row] for row in rows]
    longest = {
        name: max([len(labels[name]), *(len(row[place]) for row in texts)])
        for place, name in enumerate(columns)
    }
    needed = {
        name: min(length, FOLDED_WIDTH) if name in folded else length for name, length in longest.items()
    }
    empty = {name for place, name in enumerate(columns) if not any(row[place] for row in texts)}
    shown = [name for name in columns if wide or keep_empty or name not in empty or name not in optional]
    left_out = []
    for name in reversed(optional):
        if not wide and name in shown and _table_width(needed, shown) > out.width:
            shown.remove(name)
            left_out.append(name)
    places = [columns.index(name) for name in shown]
    cells = [[row[place] for place in places] for row in texts]
    made = table(
        title,
        [labels[name] for name in shown],
        cells,
        right=[labels[name] for name in shown if name in right],
        whole=[labels[name] for name in shown if name not in folded],
    )
    room = _table_width(longest, shown) if wide else max(out.width, _table_width(needed, shown))
    _print_or_page(made, room)
    if left_out:
        names = ", ".join(name for name in columns if name in left_out)
        err.print(f"Without {names}: --wide shows all columns", style="dim", highlight=False, soft_wrap=True)


def _labels(columns: Sequence[str], rows: Sequence[Sequence[object]], zone: tzinfo) -> dict[str, str]:
    instants = {place for row in rows for place, cell in enumerate(row) if isinstance(cell, datetime)}
    word = f" ({zone_word(zone)})"
    return {name: name + (word if place in instants else "") for place, name in enumerate(columns)}


def _text(cell: object, zone: tzinfo) -> str:
    if isinstance(cell, datetime):
        known = cell if cell.tzinfo else cell.replace(tzinfo=UTC)
        return f"{known.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return "" if cell is None else str(cell)


def _print_or_page(made: Table, room: int) -> None:
    """Print a table that may be wider than the screen; on a terminal it is then shown by the pager, which can go sideways."""
    if room <= out.width:
        out.print(made)
        return
    wide = Console(
        width=room, height=out.height, file=out.file
    )  # both, or a dumb terminal is taken for one of 80
    if not out.is_terminal:
        wide.print(made)
        return
    with wide.capture() as taken:
        wide.print(made)
    pager(taken.get())


def _table_width(widths: Mapping[str, int], shown: Sequence[str]) -> int:
    return sum(widths[name] + 3 for name in shown) + 1


def friendly_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn errors that the system raises on purpose into one line on standard error and an exit code."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TradingError as error:
            err.print(f"[bold red]{_label(error)}:[/] ", end="")
            err.print(str(error), markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(EXIT_USAGE if isinstance(error, ConfigurationError) else EXIT_FAILED) from error
        except KeyboardInterrupt:
            err.print("Interrupted: nothing is half-written; the same command goes on from here.")
            raise typer.Exit(EXIT_FAILED) from None
        except (typer.Exit, typer.Abort, SystemExit):
            raise
        except BrokenPipeError:
            # The reader, such as `head`, has seen enough: nothing may be flushed into the closed pipe at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_FAILED) from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
                said = f"Cannot write {error.filename or 'to the data folder'}: {error.strerror}. Make the folder writable, free "
                err.print(
                    f"{said}disk space, or choose another TRADING_DATA",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
                raise typer.Exit(EXIT_FAILED) from error
            if _is_database_gone(error):
                err.print(
                    "[bold red]Postgres stopped answering[/], and the command with it. What was complete before is kept; with Postgres "
                    "there again (the own one is started again) the same command goes on from there. If it stays so: trading-assets doctor",
                    highlight=False,
                    soft_wrap=True,
                )
                raise typer.Exit(EXIT_FAILED) from error
            err.print("[bold red]Unexpected error[/]: please report it with the lines below.")
            err.print(
                "".join(traceback.format_exception(error)), markup=False, highlight=False, soft_wrap=True
            )
            raise typer.Exit(EXIT_FAILED) from error

    return wrapped


def _is_database_gone(error: BaseException) -> bool:
    """Say whether a lost connection to Postgres is at the root: by name, because the drivers take long to import.

    What Postgres itself refused (a full disk, a deadlock) has another code than that of a lost connection or a shutdown.
    """
    chain: list[BaseException] = [error]
    while (before := _behind(chain[-1])) is not None and before not in chain:
        chain.append(before)
    return any(
        kind.__module__.partition(".")[0] in _DRIVERS and kind.__name__ in _CONNECTION_ERRORS
        for link in chain
        for kind in type(link).__mro__
        if _is_connection_lost(link)
    )


def _behind(error: BaseException) -> BaseException | None:
    # an error of another kind that happened while one of the database was looked at is an error of its own
    package = type(error).__module__.partition(".")[0]
    if error.__cause__ is not None or error.__suppress_context__ or package not in {*_DRIVERS, *_WRAPPERS}:
        return error.__cause__
    return error.__context__


def _is_connection_lost(error: BaseException) -> bool:
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return code is None or str(code).startswith(("08", "57P"))


def _label(error: TradingError) -> str:
    if isinstance(error, ConfigurationError):
        return "Wrong usage or configuration"
    if type(error) is TradingError:
        return "Failed"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.removesuffix("Error"))
    return words.capitalize()


@contextmanager
def status(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Show that something is going on, for as long as it does."""
    if quiet or not err.is_terminal:
        if not quiet:
            err.print(text, highlight=False)
        yield
        return
    with err.status(text):
        yield


def usd(value: object) -> str:
    """Format an amount of money."""
    return "" if value is None else f"{float(str(value)):,.2f}"


def quantity(value: object) -> str:
    """Format a number of shares without trailing zeros."""
    return "" if value is None else f"{Decimal(str(value)).normalize():,f}"

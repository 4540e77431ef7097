"""`sql` and `bars`: every table in DuckDB SQL, and adjusted prices, now or as they were known at an instant."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trading_assets.cli.options import AsOfOption, WideOption, parse_day, parse_instant
from trading_assets.cli.output import err, friendly_errors, print_json, print_table
from trading_assets.errors import ConfigurationError, TradingError

if TYPE_CHECKING:
    import polars as pl

    from resources.lake.lake import Lake

SHOWN_ROWS = 200
LONG_TEXT = 60
"""A text of more characters may go over several lines."""
SHOWN_BARS = (
    "symbol",
    "session",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "price_scale",
    "share_scale",
    "source",
)
Format = Literal["table", "csv", "json", "parquet"]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write to a file instead of the screen.")]


@friendly_errors
def sql(
    statement: Annotated[str | None, typer.Argument(help="A SELECT; without one a shell opens.")] = None,
    *,
    as_of: AsOfOption = None,
    format: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = "table",  # noqa: A002 (the option's name)
    file: OutOption = None,
    read: Annotated[
        list[Path] | None,
        typer.Option("--read", metavar="DIR", help="A folder whose files the statement may read as well."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    wide: WideOption = False,
) -> None:
    """Query every table with DuckDB SQL, read only. Other files than the product's are out of its reach.

    [dim]Example:[/] trading-assets sql "select symbol, close, rsi_14 from daily_features order by session desc, rsi_14 limit 10"
    """
    from resources.lake.catalog import CATALOG, catalog_of, query
    from trading_assets.settings import load_settings

    settings = load_settings()
    instant = parse_instant(as_of) if as_of else None
    if not (settings.data / CATALOG).exists():
        raise ConfigurationError(f"There is no {settings.data / CATALOG} yet: run `trading-assets run` first")
    catalog = catalog_of(settings)
    if statement is None:
        _shell(catalog, instant, read or ())
        return
    frame = query(catalog, statement, as_of=instant, folders=read or ())
    _emit(frame, "json" if json else format, file, wide=wide)
    _remark(statement, frame, instant)


def _remark(statement: str, frame: pl.DataFrame, instant: datetime | None) -> None:
    from resources.lake.catalog import without_history

    if instant is None:
        return
    if frame.is_empty():
        err.print(
            "Rows that arrived later than --as-of are not seen: their known_at says when", highlight=False
        )
    if unversioned := without_history(statement):
        err.print(
            f"No history is kept of {', '.join(unversioned)}: the current rows were read", highlight=False
        )


@friendly_errors
def bars(
    symbols: Annotated[list[str], typer.Argument(help="Symbols, e.g. AAPL MSFT.", metavar="SYMBOL...")],
    *,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="YYYY-MM-DD", help="First session; default: the first stored."),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--end", metavar="YYYY-MM-DD", help="Last session; default: the newest stored."),
    ] = None,
    adjust: Annotated[
        Literal["none", "split", "all"],
        typer.Option(
            "--adjust", help="none: as traded; split: for splits; all: for dividends and spin-offs too."
        ),
    ] = "all",
    as_of: AsOfOption = None,
    seen_from: Annotated[
        str | None,
        typer.Option(
            "--seen-from",
            metavar="YYYY-MM-DD",
            help="Session in whose scale prices are; default: the range's last.",
        ),
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = "table",  # noqa: A002 (the option's name)
    file: OutOption = None,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    wide: WideOption = False,
) -> None:
    """Show daily bars, adjusted for splits, dividends and spin-offs as they were known.

    [dim]Example:[/] trading-assets bars AAPL --start 2020-08-01 --end 2020-09-30 --adjust split
    """
    from resources.lake.lake import Lake
    from resources.lake.locks import FileLocks
    from trading_assets.feature_store.adjusted_bars import read_adjusted_bars
    from trading_assets.settings import load_settings

    settings = load_settings()
    first, last, seen = (
        parse_day(text, option) if text else None
        for text, option in ((start, "--start"), (end, "--end"), (seen_from, "--seen-from"))
    )
    instant = parse_instant(as_of) if as_of else None
    if not settings.lake_root.is_dir():
        raise ConfigurationError(f"There is no {settings.lake_root} yet: run `trading-assets run` first")
    lake = Lake(settings.lake_root, FileLocks(settings.data / "run" / "cli"))  # never taken: this only reads
    found = read_adjusted_bars(
        lake,
        [symbol.upper() for symbol in symbols],
        start=first,
        end=last,
        adjust=adjust,
        as_of=instant,
        seen_from=seen,
    )
    kind: Format = "json" if json else format
    rows = found.bars if kind != "table" else found.bars.select(SHOWN_BARS)
    _emit(rows, kind, file, wide=wide, newest=True)
    for symbol in sorted({name.upper() for name in symbols} - {*found.bars["symbol"]}):
        err.print(f"No bars of {symbol} in this range: an unknown symbol, or not known then", highlight=False)
    for line in _instruments(lake, sorted({*found.bars["symbol"]}), instant):
        err.print(line, style="dim", highlight=False, soft_wrap=True)
    if found.seen_from and adjust != "none":
        err.print(
            f"Prices and volumes in the scale of session {found.seen_from}", style="dim", highlight=False
        )
    for action in found.actions.filter(found.actions["outcome"].str.starts_with("not applied")).iter_rows(
        named=True
    ):
        err.print(
            f"{action['symbol']} {action['kind']} of {action['ex_date']}: {action['outcome']}",
            highlight=False,
        )


def _instruments(lake: Lake, symbols: Sequence[str], as_of: datetime | None) -> Iterator[str]:
    from trading_assets.market_data.instruments import stored_instruments

    for item in stored_instruments(lake, symbols, as_of=as_of):
        until = f" to {item.last_session}" if item.last_session else " on"
        anew = {
            "silence": f", after no bar since {item.previous_session}; vendors name {_EVIDENCE[item.evidence]}",
            "identity": ", as a vendor says",
            "symbol_change": ", by a new symbol",
        }.get(item.begun, "")
        yield f"{item.symbol} is instrument {item.instrument_id} from {item.first_session}{until}{anew}"


_EVIDENCE = {"same": "the same share", "other": "another share", "none": "no share"}


def _emit(frame: pl.DataFrame, kind: Format, file: Path | None, *, wide: bool, newest: bool = False) -> None:
    if kind == "parquet":
        if file is None:
            raise ConfigurationError("--format parquet needs --out FILE")
        frame.write_parquet(file)
    elif kind == "csv":
        if file is None:
            sys.stdout.write(frame.write_csv())
        else:
            frame.write_csv(file)
    elif kind == "json":
        if file is None:
            print_json(frame.to_dicts())
        else:
            frame.write_json(file)
    else:
        _table(frame, file, wide=wide, newest=newest)
    if file is not None:
        err.print(f"{frame.height:,} rows written to {file}", highlight=False, soft_wrap=True)


def _table(frame: pl.DataFrame, file: Path | None, *, wide: bool = False, newest: bool = False) -> None:
    if file is not None:
        raise ConfigurationError("--out needs --format csv, json or parquet")
    import polars as pl

    schema = frame.schema
    seen = frame.tail(SHOWN_ROWS) if newest else frame.head(SHOWN_ROWS)
    rows = [tuple(_cell(value) for value in row) for row in seen.iter_rows()]
    print_table(
        "",
        frame.columns,
        rows,
        right=[name for name, dtype in schema.items() if dtype.is_numeric()],
        folded=[name for name, dtype in schema.items() if dtype == pl.String and _is_long(seen[name])],
        optional=frame.columns[1:],
        keep_empty=True,
        wide=wide,
    )
    which = "newest" if newest else "first"
    shown = f", the {which} {SHOWN_ROWS} shown (--format csv for all)" if frame.height > SHOWN_ROWS else ""
    err.print(f"{frame.height:,} rows{shown}", style="dim", highlight=False)


def _is_long(texts: pl.Series) -> bool:
    longest = texts.str.len_chars().max()
    return isinstance(longest, int) and longest > LONG_TEXT


def _cell(value: object) -> object:
    if not isinstance(value, float):
        return value
    return f"{value:,.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:,.6g}"


def _shell(catalog: Path, instant: datetime | None, folders: Sequence[Path]) -> None:
    from resources.lake.catalog import query

    err.print("DuckDB SQL over the lake, read only. One statement a line; `tables` lists them; Ctrl-D ends.")
    while True:
        try:
            line = input("sql> ").strip().rstrip(";")
        except EOFError:
            return
        if not line:
            continue
        try:
            _table(
                query(catalog, "show tables" if line == "tables" else line, as_of=instant, folders=folders),
                None,
            )
        except TradingError as error:
            err.print(str(error), style="red", markup=False)

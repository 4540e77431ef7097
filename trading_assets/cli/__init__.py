"""The command line: one command per verb of the product; every command has an example in its help."""

from __future__ import annotations

import gc
import logging
from typing import Annotated

import typer

from trading_assets import __version__
from trading_assets.cli import (
    backtest,
    books,
    control,
    own_strategies,
    quality,
    query,
    raw,
    screen,
    screens,
    service,
    session,
    status,
    strategies,
)

# What is imported for a run stays: looking through it for cycles, again and again, took a sixth of the run.
gc.set_threshold(100_000, 50, 50)

app = typer.Typer(
    name="trading-assets",
    help="Algorithmic trading of US equities as a graph of data assets. Start with: trading-assets up",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trading-assets {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[  # noqa: ARG001 (its callback prints it)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Algorithmic trading of US equities as a graph of data assets."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns of connections cut by Ctrl-C


for command in (service.up, session.run, session.backfill, session.snapshot, query.sql, query.bars, screen.screen, backtest.backtest, status.status, books.orders, books.positions, books.fills, books.activities, books.round_trips, books.slippage, control.halt, control.resume, control.reconcile,
                service.simulate, service.doctor, strategies.strategies, own_strategies.check_strategy, own_strategies.new_strategy):  # fmt: skip
    app.command()(command)
app.add_typer(screens.app)
app.add_typer(quality.app)
app.add_typer(raw.app)

"""`up`, `simulate` and `doctor`: start everything, the simulator alone, and find out what is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from trading_assets.cli.options import JsonOption, parse_instant
from trading_assets.cli.output import EXIT_FAILED, friendly_errors, out, print_json
from trading_assets.errors import ConfigurationError


@friendly_errors
def up(
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the UIs until Ctrl-C after the run.")
    ] = True,
) -> None:
    """Start what is missing, bring the history up to date, run the latest session, then serve both UIs until Ctrl-C.

    The first time in a simulated market the account trades its last 20 sessions one by one (TRADING_FIRST_SESSIONS).

    [dim]Example:[/] trading-assets up
    """
    from trading_assets.cli.up import bring_up

    bring_up(serve=serve)


@friendly_errors
def simulate(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 9009,
    replay: Annotated[
        Path | None,
        typer.Option(help="Parquet file of daily bars to replay instead of the synthetic market."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="Where the clock starts, e.g. 2016-06-30T22:00Z; it then stands until it is moved.",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Folder of the simulator's state; default: simulator/ in the data folder."),
    ] = None,
) -> None:
    """Serve the market simulator alone, with the Alpaca, Polygon and Yahoo protocols, until Ctrl-C.

    [dim]Example:[/] trading-assets simulate --port 9009 --replay bars.parquet --at 2016-06-30T22:00Z
    """
    import subprocess

    from trading_assets.settings import load_settings

    settings = load_settings()
    if at is not None:
        at = parse_instant(at, "--at").isoformat()
    if replay is not None and not replay.is_file():
        raise ConfigurationError(f"--replay {replay} is no file")
    command = [
        sys.executable, "-m", "trading_assets.simulator", "--port", str(port),
        "--state", str(state or settings.data / "simulator"), "--seed", str(settings.sim_seed),
        "--symbols", str(settings.sim_symbols), "--years", str(settings.sim_years), "--cash", str(settings.sim_cash_usd),
    ]  # fmt: skip
    replayed = replay or settings.sim_replay
    if replayed:
        command += ["--replay", str(replayed)]
    if at or settings.sim_at:
        command += ["--at", at or settings.sim_at.isoformat() if settings.sim_at else str(at)]
    if port:
        out.print(
            f"Point other terminals at it with TRADING_SIM_URL=http://127.0.0.1:{port}", highlight=False
        )
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606 (our own module; so that signals reach the simulator itself)
    raise typer.Exit(subprocess.call(command))  # noqa: S603 (our own module, no shell)


@friendly_errors
def doctor(json: JsonOption = False) -> None:
    """Check configuration, clock, disk, Postgres, calendar, vendors, broker and versions; each line says the mend.

    [dim]Example:[/] trading-assets doctor
    """
    from trading_assets.cli.checkup import examine

    marks = {"pass": "[green]pass[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}
    findings = []
    for finding in examine():
        findings.append(finding)
        if not json:
            out.print(
                f"{marks[finding.verdict]}  {finding.subject:<25} {escape(finding.detail)}", highlight=False
            )
            if finding.mend:
                out.print(f"      {'':<25} [bold]→[/] {escape(finding.mend)}", highlight=False)
    if json:
        print_json([finding.__dict__ for finding in findings])
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(EXIT_FAILED)

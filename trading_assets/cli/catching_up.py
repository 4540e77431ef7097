"""An installation brought up to date: history, a simulated account's first sessions, the latest session, the hours.

It is most of `up`, in a process of its own (`python -m trading_assets.cli.catching_up`) that ends: what a history takes of
memory is not kept for as long as the pages are served.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from types import FrameType

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from resources.clock import monotonic_seconds
from resources.local_services import data_folder
from resources.platform import Platform, shared_platform
from resources.services.simulator import simulator_service
from resources.vendors.registry import company_vendor
from trading_assets import sessions as calendar
from trading_assets.cli.output import EXIT_FAILED, err, friendly_errors, usd
from trading_assets.cli.progress_bar import drawn_progress
from trading_assets.cli.session import show_summary, told
from trading_assets.companies.ingest import snapshot_is_due, snapshot_minutes
from trading_assets.errors import TradingError
from trading_assets.runs import first_sessions
from trading_assets.runs.history import backfill
from trading_assets.runs.hours import complete_hours, newest_hours
from trading_assets.runs.refusals import require_over, require_runnable
from trading_assets.runs.session import run_companies, run_session
from trading_assets.settings import Settings, load_settings

LONGEST_SNAPSHOT_MINUTES = 15.0
"""`up` does not keep its user waiting longer than this for company data."""
USUAL_SECONDS = 6.0
"""A session of the shipped market on two cores."""


def bring_up_to_date(settings: Settings) -> None:
    """Start the local services, fill the history, run what there is to run, and release the services.

    Interrupted at any point, the next call goes on from there.

    Raises
    ------
    ConfigurationError
        If a setting or a file that it names is wrong; then nothing is started.
    """
    require_runnable(settings, None)
    data_folder(settings)
    err.print("Starting the local services", highlight=False)
    with ExitStack() as stack:
        begins_at = first_sessions.begins_at(settings)
        if begins_at is not None:
            # whoever starts the simulator says where the clock of a new market begins; all others join
            simulator = simulator_service(settings, begins_at=begins_at)
            simulator.begin()
            stack.callback(simulator.release)
        platform = stack.enter_context(shared_platform(settings))
        _fill_and_run(platform)


def _fill_and_run(platform: Platform) -> None:
    *before, session = first_sessions.sessions_to_run(platform)
    oldest = before[0] if before else session
    first, last = (
        calendar.shift(oldest, -platform.settings.history_sessions),
        calendar.shift(oldest, -1),
    )
    err.print(f"History {first} to {last}: filling what is missing", highlight=False)
    with drawn_progress(platform):
        done = backfill(platform, first, last)
    err.print(f"  {len(done)} sessions filled" if done else "  complete", highlight=False)
    if before:
        _trade_one_by_one(platform, before)
    elif platform.settings.sim_replay and first_sessions.last_traded(platform.database) is None:
        err.print(
            f"A recorded market has no sessions before its clock: the account begins with session {session}",
            highlight=False,
            soft_wrap=True,
        )
    require_over(platform, session)
    _snapshot_companies(platform, session)
    err.print(f"Session {session}: from vendor data to reconciled positions", highlight=False)
    with drawn_progress(platform):
        summary = run_session(platform, session, say=told)
    show_summary(summary)
    if first_sessions.is_behind(platform):
        first_sessions.join_the_present(platform)
    _complete_hours(platform)


def _trade_one_by_one(platform: Platform, sessions: Sequence[date]) -> None:
    """Run sessions as `trading-assets run --session` runs them, a line for each; the simulated clock goes along."""
    minutes = len(sessions) * USUAL_SECONDS / 60
    err.print(
        f"The account's first sessions, {sessions[0]} to {sessions[-1]}: {len(sessions)} are traded one by one, which takes "
        f"about {f'{minutes:.0f} minutes' if minutes > 1.5 else 'a minute'}. Interrupted, the next `up` goes on from there",
        highlight=False,
        soft_wrap=True,
    )
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars,
        drawn_progress(platform, quiet=True),
    ):
        task = bars.add_task("", total=len(sessions))
        for session in sessions:
            bars.update(task, description=f"session {session}")
            began = monotonic_seconds()
            summary = run_session(platform, session, say=told)
            orders = ", ".join(f"{count} {state}" for state, count in summary.orders.items())
            worth = f"equity {usd(summary.equity_usd)} USD" if summary.equity_usd is not None else ""
            err.print(
                f"  [green]✓[/] {session}  orders: {orders or 'none'}; fills: {summary.fills}; {worth}"
                f" {monotonic_seconds() - began:>8.2f} s",
                highlight=False,
                soft_wrap=True,
            )
            bars.advance(task)


def _complete_hours(platform: Platform) -> None:
    sessions = newest_hours(platform)
    if not sessions:
        return
    err.print(f"Hours {sessions[0]} to {sessions[-1]}: filling what is missing", highlight=False)
    try:
        with drawn_progress(platform):
            done = complete_hours(platform, sessions)
    except TradingError as error:  # nothing that trades depends on hours: what is up stays up
        err.print(f"[yellow]  not complete:[/] {error}", highlight=False)
    else:
        err.print(f"  {len(done)} sessions filled" if done else "  complete", highlight=False)


def _snapshot_companies(platform: Platform, session: date) -> None:
    if company_vendor(platform.settings) is None or not snapshot_is_due(platform.lake, session):
        return
    minutes = snapshot_minutes(platform.lake, platform.settings, session)
    if minutes > LONGEST_SNAPSHOT_MINUTES:
        err.print(
            f"Company data: none of this week; at the pace of TRADING_YAHOO_PER_MINUTE a snapshot takes {minutes:,.0f} minutes. "
            "It is left to the schedule on Saturday, or to: trading-assets snapshot",
            highlight=False,
        )
        return
    err.print(f"Company data: a snapshot, dated {session}", highlight=False)
    try:
        with drawn_progress(platform):
            run_companies(platform)
    except TradingError as error:
        err.print(f"  not taken: {error}", style="yellow", highlight=False)
        err.print(
            "  The session goes on with the newest one before; later: trading-assets snapshot",
            highlight=False,
        )


def main() -> None:
    """Bring the installation of the settings up to date for the `up` that holds standard input open, and end with its exit code."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)  # ignored in what a script starts in the background
    threading.Thread(target=_stop_with_up, name="up", daemon=True).start()
    code = 0
    try:
        _bring_up_or_stop()
    except typer.Exit as end:
        code = end.exit_code
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)


@friendly_errors
def _bring_up_or_stop() -> None:
    try:
        bring_up_to_date(load_settings())
    except KeyboardInterrupt:  # `up` says what there is to say
        raise typer.Exit(EXIT_FAILED) from None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop_with_up() -> None:
    # standard input ends when `up` does, whatever ends it
    while os.read(0, 64):
        pass
    if os.name == "nt":
        _thread.interrupt_main()
    else:  # a signal also ends what the main thread waits for
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()

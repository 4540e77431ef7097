"""`run` and `backfill`: one session end to end, and a range of history."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from trading_assets.cli.opened import opened_platform
from trading_assets.cli.options import JsonOption, SessionOption, parse_day
from trading_assets.cli.output import err, friendly_errors, out, print_json, usd
from trading_assets.progress import Recorder

if TYPE_CHECKING:
    from datetime import date, datetime

    from resources.database.database import Database
    from resources.platform import Platform
    from trading_assets.runs.summary import SessionSummary


@friendly_errors
def run(session: SessionOption = None, json: JsonOption = False) -> None:
    """Run one trading session end to end: data, checks, features, signals, risk, orders, fills, reconciliation.

    Running the same session again changes nothing: same rows, same orders. Where there is no history yet, it is filled first.

    [dim]Example:[/] trading-assets run --session 2026-11-20
    """
    from trading_assets.cli.progress_bar import drawn_progress
    from trading_assets.runs.refusals import require_decidable, require_runnable
    from trading_assets.settings import load_settings

    settings = load_settings()
    wanted = parse_day(session, "--session") if session else None
    require_runnable(settings, wanted)
    with (
        opened_platform(settings, with_dagster=True) as platform,
        drawn_progress(platform, quiet=json),
    ):
        from trading_assets.runs.session import run_session

        day = wanted or platform.latest_session()
        require_decidable(platform, day)
        fill_history(platform, day)
        began = platform.clock.now()
        summary = run_session(platform, day, say=told)
        add_hours(platform, summary)
        earlier = earlier_findings(platform.database, day, began)
    if json:
        print_json(asdict(summary))
    else:
        show_summary(summary)
        for past, count in earlier:
            out.print(
                f"Session {past}, looked at again, has {count} finding{'' if count == 1 else 's'} that stop a symbol or the session: "
                f"trading-assets quality list --session {past}",
                style="yellow",
                highlight=False,
            )


@friendly_errors
def backfill(
    start: Annotated[str, typer.Option("--start", metavar="YYYY-MM-DD", help="First day.")],
    end: Annotated[str, typer.Option("--end", metavar="YYYY-MM-DD", help="Last day; must be over.")],
    assets: Annotated[
        str | None,
        typer.Option(
            "--assets", help="Comma-separated names, e.g. hourly_bars; default: all daily, up to the signals."
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Fetch what is there already again, for corrections older than the look-back; screens and signals stay.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Fill a range of history in as few runs as possible; what is there already is left alone. No orders are placed.

    [dim]Example:[/] trading-assets backfill --start 2025-01-01 --end 2026-11-19
    """
    from trading_assets.cli.progress_bar import drawn_progress
    from trading_assets.runs.refusals import require_runnable, wanted_sessions
    from trading_assets.settings import load_settings

    settings = load_settings()
    first, last = parse_day(start, "--start"), parse_day(end, "--end")
    require_runnable(settings, wanted_sessions(settings, first, last)[-1])
    names = tuple(name.strip() for name in assets.split(",") if name.strip()) if assets else ()
    if names:
        from trading_assets.runs.hours import require_assets

        require_assets(settings, names)
    with (
        opened_platform(settings, with_dagster=True) as platform,
        drawn_progress(platform, quiet=json) as recorder,
    ):
        from trading_assets.market_data.findings import blocked_sessions
        from trading_assets.runs.hours import backfill_with_hours
        from trading_assets.sessions import sessions_between

        done = backfill_with_hours(platform, first, last, names, again=again)
        blocked = sorted(blocked_sessions(platform.database, sessions_between(first, last)))
    if json:
        print_json(
            {
                "sessions": len(done),
                "assets": {
                    name: {"rows": rows, "seconds": round(took, 3)}
                    for name, (rows, took) in recorder.done.items()
                },
            }
        )
    elif done:
        out.print(f"{len(done)} sessions from {done[0]} to {done[-1]} are complete")
    else:
        out.print("Nothing else was missing" if blocked else "Nothing was missing")
    if blocked and not json:
        days = ", ".join(map(str, blocked))
        out.print(
            f"[yellow]Blocking checks failed on {days}:[/] no features, screens and signals are made of it until it is mended "
            "or accepted. See: trading-assets quality list",
            highlight=False,
        )


@friendly_errors
def snapshot(json: JsonOption = False) -> None:
    """Take a snapshot of the company data now: info, statistics, statements, holders and so on, dated the latest session.

    The vendor only tells what is true now, so a snapshot cannot be taken for an older day. `up` takes one a week.

    [dim]Example:[/] trading-assets snapshot
    """
    from trading_assets.cli.progress_bar import drawn_progress
    from trading_assets.runs.refusals import require_runnable
    from trading_assets.settings import load_settings

    settings = load_settings()
    require_runnable(settings, None)
    with (
        opened_platform(settings, with_dagster=True) as platform,
        drawn_progress(platform, quiet=json) as recorder,
    ):
        from trading_assets.runs.session import run_companies
        from trading_assets.tables.companies import COMPANY_TABLES

        session = run_companies(platform)
    rows = {name: recorder.done[name][0] for name in COMPANY_TABLES}
    if json:
        print_json({"session": session, "rows": rows})
    else:
        out.print(
            f"Company data of {session}: {', '.join(f'{name} {count:,}' for name, count in rows.items())}"
        )


def told(text: str) -> None:
    """Tell what a run has to say while it goes on."""
    err.print(text, style="yellow", highlight=False, soft_wrap=True)


def fill_history(platform: Platform, session: date) -> None:
    """Fill the history before a session if there is none: without it no strategy has anything to decide on."""
    from trading_assets.errors import TradingError
    from trading_assets.runs.history import backfill, history_minutes, missing_history

    missing = missing_history(platform, session)
    if not missing:
        return
    minutes = history_minutes(platform.settings, len(missing))
    pace = f", about {minutes:,.0f} minutes at the vendor's pace" if minutes > 1 else ""
    err.print(
        f"Too little history to decide on: {len(missing)} sessions from {missing[0]} to {missing[-1]} are filled first{pace}. "
        "Interrupted, the same command goes on from there",
        highlight=False,
        soft_wrap=True,
    )
    try:
        backfill(platform, missing[0], missing[-1])
    except TradingError as error:
        err.print(
            f"[yellow]The history is not complete:[/] {escape(str(error))}", highlight=False, soft_wrap=True
        )
        err.print("The session goes on with what is there", highlight=False)


def add_hours(platform: Platform, summary: SessionSummary) -> None:
    """Complete the hours of a session that was run; nothing that trades depends on them, so a failure is only told."""
    from trading_assets.errors import TradingError
    from trading_assets.runs.hours import complete_hours, hourly_assets, missed_hours

    try:
        complete_hours(platform, missed_hours(platform, summary.session))
    except TradingError as error:
        err.print(
            f"[yellow]The hours of {summary.session} are not complete:[/] {escape(str(error))}",
            highlight=False,
        )
    for name in hourly_assets(platform.settings):
        if isinstance(platform.progress, Recorder) and name in platform.progress.done:
            rows, seconds = platform.progress.done[name]
            summary.assets[name] = {"rows": rows, "seconds": round(seconds, 3)}


def earlier_findings(database: Database, session: date, since: datetime) -> list[tuple[date, int]]:
    """Return the sessions before this one about which errors were found since an instant, with their number."""
    rows = database.fetch(
        "select session, count(*)::int from open_findings"
        " where severity = 'error' and session < %s and found_at >= %s group by 1 order by 1",
        (session, since),
    )
    return [(day, count) for day, count in rows]


def show_summary(summary: SessionSummary) -> None:
    """Print what a session's run did."""
    steps = sum(facts["seconds"] for facts in summary.assets.values())
    out.print(
        f"Session [bold]{summary.session}[/] ({summary.mode}): {len(summary.assets)} assets in {steps:.1f} s",
        highlight=False,
    )
    failed = summary.checks.get("failed", 0)
    passed = summary.checks.get("passed", 0)
    out.print(
        f"Checks: {passed} passed, {failed} with findings",
        style="yellow" if failed else None,
        highlight=False,
    )
    if failed:
        out.print(
            f"  see them with: trading-assets quality list --session {summary.session}",
            style="dim",
            highlight=False,
        )
    orders = ", ".join(f"{count} {state}" for state, count in summary.orders.items())
    out.print(
        f"Orders: {orders or f'none ({summary.no_orders_because})'}; fills: {summary.fills}",
        highlight=False,
        soft_wrap=True,
    )
    verdict = {
        True: "[green]equal to the broker's[/]",
        False: "[red]DIFFERENT from the broker's: trading is halted[/]",
        None: "not compared",
    }
    worth = f"; equity {usd(summary.equity_usd)} USD" if summary.equity_usd is not None else ""
    out.print(f"Positions and cash: {verdict[summary.reconciled]}{worth}")
    out.print(f"{summary.seconds:.1f} s, peak memory {summary.peak_memory_mib:,.0f} MiB", style="dim")
    if summary.reconciled is False:
        err.print('See the differences: trading-assets sql "select * from reconciliation where not is_match"')
        raise typer.Exit(1)

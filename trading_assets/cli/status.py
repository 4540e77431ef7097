"""`status`: mode, account, halts, last session, freshness, what comes next, open orders, services and disk in one screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trading_assets.cli.opened import opened_platform
from trading_assets.cli.options import JsonOption
from trading_assets.cli.output import friendly_errors, out, print_json, usd

if TYPE_CHECKING:
    from datetime import date, datetime

    from resources.database.database import Database
    from resources.platform import Platform
    from trading_assets.settings import Settings

ACCOUNT = (
    "select account, session, equity_usd, cash_usd from account_snapshots order by taken_at desc limit 1"
)
HALTS = "select level, reason, engaged_at from trading_halts where released_at is null order by halt_id"
LAST_RUN = "select session, outcome, finished_at, summary from session_runs order by finished_at desc limit 1"
RECONCILED = "select session, max(reconciled_at) from reconciliation group by 1 order by 2 desc limit 1"
OPEN_ORDERS = """
select count(*) filter (where o.client_order_id is not null)::int, count(*) filter (where o.client_order_id is null)::int
from order_intents i left join orders o using (client_order_id)
where (o.status is null and not i.state = any(%s)) or (o.status is not null and not o.status = any(%s))
"""
FINDINGS = "select count(*)::int from open_findings where severity = 'error' and session = %s"
POSITIONS = "select count(*)::int from positions where quantity <> 0 and session = (select max(session) from positions)"


class Line(NamedTuple):
    """One thing, how it is, and what to do about it where something is to be done."""

    subject: str
    state: str
    mend: str = ""


@friendly_errors
def status(json: JsonOption = False) -> None:
    """Say how things stand: account, halts, data, orders, what runs and what comes next.

    [dim]Example:[/] trading-assets status
    """
    from trading_assets.settings import load_settings

    settings = load_settings()
    services = _services(settings)  # before Postgres is started for the question
    with opened_platform(settings) as platform:
        lines = [*_lines(platform), services, _disk(settings.data)]
    if json:
        return print_json({line.subject: {"state": line.state, "mend": line.mend} for line in lines})
    for line in lines:
        out.print(f"[bold]{line.subject:<9}[/] ", end="", highlight=False)
        out.print(line.state, markup=False, highlight=False, soft_wrap=True)
        if line.mend:
            out.print(f"{'':<9} → {line.mend}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    return None


def _lines(platform: Platform) -> Iterator[Line]:
    settings, database = platform.settings, platform.database
    now = platform.clock.now()
    clock = " by the simulator's clock" if settings.mode == "sim" else ""
    yield Line("mode", f"{settings.mode}, data in {settings.data}, {_shown(now, settings)}{clock}")
    yield _account(database)
    yield _halts(database, settings)
    yield _last_run(database, settings)
    yield from _data(platform)
    yield _orders(database)
    yield _next(platform)


def _account(database: Database) -> Line:
    found = database.fetch(ACCOUNT)
    if not found:
        return Line("account", "no session has been reconciled yet", "trading-assets run")
    account, session, equity, cash = found[0]
    held = database.fetch(POSITIONS)[0][0]
    return Line(
        "account",
        f"{account}: equity {usd(equity)} USD, cash {usd(cash)} USD, {held} positions after session {session}",
    )


def _halts(database: Database, settings: Settings) -> Line:
    halts = [f"{level} since {_shown(at, settings)}: {reason}" for level, reason, at in database.fetch(HALTS)]
    if not halts:
        return Line("trading", "no halt is in force")
    return Line(
        "trading",
        f"HALTED ({'; '.join(halts)})",
        'when it is looked at: trading-assets resume --reason "..."',
    )


def _last_run(database: Database, settings: Settings) -> Line:
    # runs of the command line are recorded; those of the schedule show in what they reconciled
    found, reconciled = database.fetch(LAST_RUN), database.fetch(RECONCILED)
    if reconciled and (not found or reconciled[0][1] > found[0][2]):
        return Line(
            "last run", f"session {reconciled[0][0]} reconciled, {_shown(reconciled[0][1], settings)}"
        )
    if not found:
        return Line("last run", "none yet", "trading-assets run")
    session, outcome, finished_at, told = found[0]
    line = f"session {session} {outcome}, {_shown(finished_at, settings)}"
    if outcome != "succeeded":
        return Line("last run", f"{line}: {told.get('error', '')}", f"trading-assets run --session {session}")
    orders = ", ".join(f"{count} {state}" for state, count in told.get("orders", {}).items()) or "no orders"
    return Line("last run", f"{line}, {orders}")


def _data(platform: Platform) -> Iterator[Line]:
    from trading_assets.sessions import sessions_between
    from trading_assets.tables.daily import DAILY_BARS

    stored, latest = platform.lake.sessions(DAILY_BARS), platform.latest_session()
    if not stored:
        yield Line("data", "none yet", "trading-assets up, or trading-assets run")
        return
    newest: date = stored[-1]
    behind = len(sessions_between(newest, latest)) - 1
    late = f", {behind} session{'' if behind == 1 else 's'} behind" if behind > 0 else ", up to date"
    yield Line(
        "data", f"{len(stored)} sessions to {newest}{late}", "trading-assets run" if behind > 0 else ""
    )
    errors = platform.database.fetch(FINDINGS, (newest,))[0][0]
    mend = f"trading-assets quality list --session {newest}" if errors else ""
    yield Line("findings", f"{errors or 'none'} in session {newest} that stop a symbol or the session", mend)


def _orders(database: Database) -> Line:
    from trading_assets.execution.order_states import FINISHED, TERMINAL_STATUSES

    at_broker, unsent = database.fetch(OPEN_ORDERS, (sorted(FINISHED), sorted(TERMINAL_STATUSES)))[0]
    waiting = f", {unsent} not known to be at the broker" if unsent else ""
    mend = "trading-assets orders" if at_broker or unsent else ""
    return Line("orders", f"{at_broker or 'none'} open at the broker{waiting}", mend)


def _next(platform: Platform) -> Line:
    from trading_assets.sessions import next_session, session_close

    following = next_session(platform.latest_session())
    if platform.settings.mode == "sim":
        return Line("next", f"session {following}, when you run it: trading-assets run --session {following}")
    final_at = session_close(following) + platform.settings.data_delay
    return Line(
        "next",
        f"session {following}, by the schedule after {_shown(final_at, platform.settings)} while `up` runs",
    )


def _services(settings: Settings) -> Line:
    from resources.local_services import local_services
    from trading_assets.cli.served import Ports, served

    ours = [*local_services(settings), *served(settings, {}, Path(), Ports(0, 0, 0))]
    running = [service.folder.name for service in ours if service.record() is not None]
    missing = [service.folder.name for service in ours if service.folder.name not in running]
    state = f"{', '.join(running) or 'none'} running" + (
        f"; not running: {', '.join(missing)}" if missing else ""
    )
    return Line("services", state, "trading-assets up" if missing else "")


def _disk(data: Path) -> Line:
    free = shutil.disk_usage(data).free / 2**30
    return Line("disk", f"{free:,.1f} GiB free", "free some space" if free < 1 else "")


def _shown(at: datetime, settings: Settings) -> str:
    return f"{at.astimezone(settings.zone):%Y-%m-%d %H:%M %Z}"

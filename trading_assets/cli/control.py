"""`halt`, `resume` and `reconcile`: stop trading, let it go on, and compare the books with the broker."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trading_assets.cli.opened import opened_platform
from trading_assets.cli.options import JsonOption, WideOption
from trading_assets.cli.output import EXIT_FAILED, friendly_errors, out, print_json, print_table, quantity
from trading_assets.orders import HaltLevel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trading_assets.execution.reconciliation import ReconciliationReport

ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")]
Level = Literal["entries", "orders"]


@friendly_errors
def halt(
    reason: ReasonOption,
    level: Annotated[
        Level,
        typer.Option("--level", help="entries: exits only; orders: send nothing and cancel what is open."),
    ] = "orders",
) -> None:
    """Engage the kill switch. It holds for every submission until `resume`, whatever starts it.

    [dim]Example:[/] trading-assets halt --level entries --reason "earnings week"
    """
    from trading_assets.execution.halts import engage_halt
    from trading_assets.execution.trading_account import account_of

    with opened_platform() as platform, platform.database.connection() as connection:
        account = account_of(platform).number
        is_new = engage_halt(
            connection,
            account,
            HaltLevel(level),
            reason,
            engaged_by=getpass.getuser(),
            now=platform.clock.now(),
        )
    out.print(
        f"Trading of account {account} is halted ({level})"
        + ("" if is_new else " already, for the same reason")
    )
    if level == "orders":
        out.print(
            "Open orders are cancelled when the order job runs next: at once with the order sensor on, else with `run`"
        )


@friendly_errors
def resume(reason: ReasonOption) -> None:
    """Release every halt of the account.

    [dim]Example:[/] trading-assets resume --reason "difference explained: manual trade closed"
    """
    from trading_assets.execution.halts import release_halts
    from trading_assets.execution.trading_account import account_of

    with opened_platform() as platform, platform.database.connection() as connection:
        account = account_of(platform).number
        released = release_halts(
            connection, account, reason=reason, released_by=getpass.getuser(), now=platform.clock.now()
        )
    for item in released:
        out.print(f"Released ({item.level}): {item.reason}", highlight=False)
    out.print(f"Trading of account {account} may go on" if released else "Nothing was halted")


@friendly_errors
def reconcile(
    accept: Annotated[
        int | None,
        typer.Option(
            "--accept", metavar="NUMBER", help="Book the difference of that number: the broker is right."
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why it is accepted; kept in the audit log.")
    ] = None,
    json: JsonOption = False,
    wide: WideOption = False,
) -> None:
    """Compare positions and cash with the broker now. What nothing explains halts trading; nothing is invented.

    [dim]Example:[/] trading-assets reconcile --accept 3 --reason "transfer from my other account"
    """
    if (accept is None) != (reason is None):
        raise typer.BadParameter("--accept NUMBER and --reason TEXT belong together")
    from trading_assets.execution.account_bookings import actions_so_far
    from trading_assets.execution.booked import newest_session
    from trading_assets.execution.halts import active_halts
    from trading_assets.execution.reconciliation import reconcile as compare
    from trading_assets.execution.trading_account import account_of

    with opened_platform() as platform:
        account = account_of(platform)
        session = newest_session(account.database, account.number) or platform.latest_session()
        actions = actions_so_far(platform.lake, account)
        if accept is not None and reason is not None:
            from trading_assets.execution.acceptance import accept as accept_difference

            accepted, report = accept_difference(
                account, session, accept, reason=reason, accepted_by=getpass.getuser(), actions=actions
            )
            if not json:
                out.print(f"Booked {accepted}, ours minus the broker's: {reason}", highlight=False)
        else:
            report = compare(account, session, actions=actions)
        with platform.database.connection() as connection:
            halted = active_halts(connection, account.number)
    if json:
        _print_comparison(report)
    else:
        _show_comparison(report, [halt.reason for halt in halted], wide=wide)
    if not report.is_match:
        raise typer.Exit(EXIT_FAILED)


def _print_comparison(report: ReconciliationReport) -> None:
    keys = ("item", "ours", "brokers", "difference", "explanation")
    items = [
        dict(zip(keys, (i.item, i.ours, i.brokers, i.difference, i.explanation), strict=True))
        for i in report.items
    ]
    print_json(
        {"account": report.account, "session": report.session, "is_match": report.is_match, "items": items}
    )


def _show_comparison(report: ReconciliationReport, halted: Sequence[str], *, wide: bool) -> None:
    rows = [
        (item.item, quantity(item.ours), quantity(item.brokers), quantity(item.difference), item.explanation)
        for item in report.items
    ]
    columns = ("item", "ours", "broker's", "difference", "explanation")
    title = f"Account {report.account}, recorded under session {report.session}"
    print_table(
        title,
        columns,
        rows,
        right=columns[1:4],
        folded=("explanation",),
        optional=("explanation",),
        wide=wide,
    )
    if report.is_match:
        out.print("[green]equal[/]")
    else:
        out.print(
            "[red]different[/]: find out why, then book what the broker has with `trading-assets reconcile --accept NUMBER"
            ' --reason "..."`'
        )
    for reason in halted:
        out.print(
            f'Trading is halted ({reason}); it goes on after `trading-assets resume --reason "..."`',
            highlight=False,
        )

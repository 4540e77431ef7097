"""`halt`, `resume` and `reconcile`: stop trading, let it go on, and compare the books with the broker."""

from __future__ import annotations

import getpass
from typing import Annotated, Literal

import typer

from trading_assets.cli.opened import opened_platform
from trading_assets.cli.options import JsonOption
from trading_assets.cli.output import EXIT_FAILED, friendly_errors, out, print_json, quantity, table
from trading_assets.orders import HaltLevel

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
def reconcile(json: JsonOption = False) -> None:
    """Compare positions and cash with the broker now. A difference halts trading; nothing is invented.

    [dim]Example:[/] trading-assets reconcile
    """
    from trading_assets.assets.execution import splits_so_far
    from trading_assets.execution.booked import newest_session
    from trading_assets.execution.reconciliation import reconcile as compare
    from trading_assets.execution.trading_account import account_of

    with opened_platform() as platform:
        account = account_of(platform)
        session = newest_session(account.database, account.number) or platform.latest_session()
        report = compare(account, session, splits=splits_so_far(platform.lake, account))
    rows = [
        (item.item, quantity(item.ours), quantity(item.brokers), quantity(item.difference), item.explanation)
        for item in report.items
    ]
    if json:
        keys = ("item", "ours", "brokers", "difference", "explanation")
        items = [
            dict(zip(keys, (i.item, i.ours, i.brokers, i.difference, i.explanation), strict=True))
            for i in report.items
        ]
        print_json(
            {"account": account.number, "session": session, "is_match": report.is_match, "items": items}
        )
    else:
        columns = ("item", "ours", "broker's", "difference", "explanation")
        out.print(
            table(
                f"Account {account.number}, recorded under session {session}",
                columns,
                rows,
                right=columns[1:4],
            )
        )
        out.print(
            "[green]equal[/]"
            if report.is_match
            else "[red]different: trading is halted until `trading-assets resume`[/]"
        )
    if not report.is_match:
        raise typer.Exit(EXIT_FAILED)

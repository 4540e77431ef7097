"""`quality`: what the data checks found, the thresholds that they judge by, and the findings that a person accepts."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.cli.control import ReasonOption
from trading_assets.cli.opened import opened_platform
from trading_assets.cli.options import JsonOption, SessionOption, WideOption, parse_day
from trading_assets.cli.output import friendly_errors, out, print_json, print_table
from trading_assets.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    name="quality", help="Data-quality findings, thresholds and acceptances.", no_args_is_help=True
)
FINDINGS = """
select session, table_name, bar_start, check_name, severity, symbol, source, value, expectation, found_at from {}
where (%s::date is null or session = %s) and (%s::text is null or check_name = %s)
order by session desc, (severity = 'error' and symbol is null) desc, check_name, symbol nulls first, table_name, bar_start,
    source limit %s
"""
ACCEPTANCES = """
select acceptance_id, session, check_name, symbol, source, value, reason, accepted_by, accepted_at, revoked_by, revoked_at,
       revoke_reason
from finding_acceptances where %s::date is null or session = %s order by acceptance_id desc limit %s
"""
RequiredSession = Annotated[
    str, typer.Option("--session", metavar="YYYY-MM-DD", help="Session of the finding.")
]
CheckOption = Annotated[str | None, typer.Option("--check", help="Name of a check; default: all.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="Rows at most.")]


@friendly_errors
def list_findings(
    *,
    session: SessionOption = None,
    check: CheckOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also findings that somebody accepted.")] = False,
    accepted: Annotated[bool, typer.Option("--accepted", help="The acceptances, newest first.")] = False,
    limit: LimitOption = 100,
    wide: WideOption = False,
    json: JsonOption = False,
) -> None:
    """List open findings: what blocks a session first, then what stops new risk in a symbol, then information.

    [dim]Example:[/] trading-assets quality list --session 2026-11-20
    """
    day = parse_day(session, "--session") if session else None
    if check is not None:
        _require_known(check)
    with opened_platform() as platform:
        if accepted:
            rows = platform.database.fetch_polars(ACCEPTANCES, (day, day, limit))
        else:
            source = "quality_findings" if everything else "open_findings"
            rows = platform.database.fetch_polars(FINDINGS.format(source), (day, day, check, check, limit))
    if json:
        print_json(rows.rows(named=True))
    elif rows.is_empty():
        out.print("Nothing was accepted" if accepted else "No open findings")
    else:
        shown = (
            _without_empty(rows) if accepted else _with_table_and_hour(rows, platform.settings.user_timezone)
        )
        print_table(
            "Acceptances" if accepted else "Findings",
            shown.columns,
            shown.rows(),
            folded=("value", "expectation", "reason", "revoke_reason"),
            optional=("expectation", "source", "severity", "table_name"),
            zone=platform.settings.zone,
            wide=wide,
        )


def _without_empty(acceptances: pl.DataFrame) -> pl.DataFrame:
    """Leave out what no acceptance has, such as who revoked it, so that the names of checks are not cut."""
    kept = [column.name for column in acceptances if column.null_count() < len(column)]
    return acceptances.select(kept).rename({"acceptance_id": "id"})


def _require_known(check: str) -> None:
    from trading_assets.quality.checks import ALL_CHECKS

    if check not in ALL_CHECKS:
        raise ConfigurationError(f"There is no check {check}; checks are {', '.join(sorted(ALL_CHECKS))}")


def _with_table_and_hour(findings: pl.DataFrame, zone: str) -> pl.DataFrame:
    import polars as pl

    hour = pl.col("bar_start").dt.convert_time_zone(zone).dt.strftime(" %H:%M %Z")
    where = pl.concat_str("table_name", hour.fill_null(""))
    return findings.with_columns(where.alias("table_name")).drop("bar_start", "found_at")


@friendly_errors
def accept(
    *,
    session: RequiredSession,
    check: Annotated[str, typer.Option("--check", help="Name of the check.")],
    reason: ReasonOption,
    symbol: Annotated[
        str | None,
        typer.Option("--symbol", help="Findings of this symbol; default: those that block the session."),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Findings of this source only.")] = None,
    json: JsonOption = False,
) -> None:
    """Accept findings as they are now: no longer a reason to stop. Another value later is a new finding.

    An accepted bar of unexplained_jump is taken when the session is run again; impossible bars always stay out.

    [dim]Example:[/] trading-assets quality accept --session 2026-11-20 --check unexplained_jump --symbol XYZ --reason "bankruptcy"
    """
    from trading_assets.market_data.acceptance import accept as accept_findings

    day = parse_day(session, "--session")
    _require_known(check)
    with opened_platform() as platform:
        done = accept_findings(
            platform.database, check=check, session=day, actor=getpass.getuser(),
            reason=reason, now=platform.clock.now(), symbol=symbol, source=source,
        )  # fmt: skip
    if json:
        print_json([vars(item) for item in done])
        return
    for item in done:
        who = item.symbol or "the session"
        out.print(
            f"Accepted ({item.acceptance_id}) {item.check_name} of {who} on {item.session}: {item.value}",
            highlight=False,
        )
        out.print(f"  {item.consequence}", style="dim", highlight=False)
    out.print(f"Go on with: trading-assets run --session {session}", highlight=False)


@friendly_errors
def decide(
    *,
    session: Annotated[
        str, typer.Option("--session", metavar="YYYY-MM-DD", help="Ex-date: the finding's session.")
    ],
    symbol: Annotated[str, typer.Option("--symbol", help="Symbol of the finding.")],
    reading: Annotated[str, typer.Option("--as", help="stock-dividend or spin-off.")],
    reason: ReasonOption,
) -> None:
    """Decide whether an undecided action is a stock dividend or a spin-off: its symbol gets new risk again.

    Prices are adjusted alike in both readings; shares that are held and volumes before it are not. A source that tells the two
    apart goes before the decision.

    [dim]Example:[/] trading-assets quality decide --session 2022-04-01 --symbol BDX --as spin-off --reason "Embecta, by its filing"
    """
    from trading_assets.market_data.action_decisions import decide_action
    from trading_assets.market_data.settled_actions import settle_actions

    day = parse_day(session, "--session")
    with opened_platform() as platform:
        number = decide_action(
            platform.database, symbol=symbol, ex_date=day, reading=reading, actor=getpass.getuser(), reason=reason,
            now=platform.clock.now(),
        )  # fmt: skip
        settle_actions(platform, day, run_id=f"decision {number}")
        newest = platform.latest_session()
    out.print(f"Decided ({number}): the action of {symbol} on {day} is a {reading}", highlight=False)
    out.print(
        f"  Volumes of features since are made anew by: trading-assets backfill --start {day} --end {newest} --again",
        style="dim",
        highlight=False,
    )


@friendly_errors
def revoke(
    acceptance_id: Annotated[int, typer.Argument(help="Number that `accept` printed.")],
    reason: ReasonOption,
) -> None:
    """Take an acceptance back: its finding counts again.

    [dim]Example:[/] trading-assets quality revoke 3 --reason "the vendor corrected it"
    """
    from trading_assets.market_data.acceptance import revoke as revoke_acceptance
    from trading_assets.market_data.settled_actions import settle_actions
    from trading_assets.quality.actions.undecided import UNDECIDED_CHECK

    with opened_platform() as platform:
        item = revoke_acceptance(
            platform.database, acceptance_id, actor=getpass.getuser(), reason=reason, now=platform.clock.now()
        )
        if item.check_name == UNDECIDED_CHECK:
            settle_actions(platform, item.session, run_id=f"revoked {acceptance_id}")
    out.print(
        f"Revoked: {item.check_name} of {item.symbol or 'the session'} on {item.session}", highlight=False
    )


@friendly_errors
def thresholds(json: JsonOption = False) -> None:
    """Print the thresholds in force as a file for TRADING_QUALITY, each with its meaning and unit.

    [dim]Example:[/] trading-assets quality thresholds > quality.yaml
    """
    from trading_assets.market_data.thresholds import load_thresholds
    from trading_assets.quality.threshold_file import as_yaml
    from trading_assets.settings import load_settings

    limits = load_thresholds(load_settings().quality)
    if json:
        values = limits.model_dump()
        print_json(
            {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}
        )
    else:
        typer.echo(as_yaml(limits))


app.command("list")(list_findings)
for command in (accept, decide, revoke, thresholds):
    app.command()(command)

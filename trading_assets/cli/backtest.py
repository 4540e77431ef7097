"""`backtest`: a strategy, or the whole plan, over the past; alone, over a grid of parameters, or walking forward."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from trading_assets.cli.options import JsonOption, parse_day, parse_parameters
from trading_assets.cli.output import EXIT_FAILED, err, friendly_errors, print_json
from trading_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import date

    from resources.lake.lake import Lake


MOST_CASH_USD = 1e12
MOST_SLIPPAGE_BPS = 10_000
"""Sales bring nothing at all."""
MOST_PATHS = 100_000


@friendly_errors
def backtest(
    strategy: Annotated[
        str, typer.Argument(help="A strategy of the plan, a kind of strategy, or `plan` for all of the plan.")
    ],
    *,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="YYYY-MM-DD", help="First day; default: as far as features go."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--end", metavar="YYYY-MM-DD", help="Last day; default: the newest one.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter; repeatable.")
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep",
            metavar="NAME=A,B,C",
            help="Try each value; several make a grid. Values with commas in them: NAME=A|B|C, in quotes.",
        ),
    ] = None,
    walk_forward: Annotated[
        int,
        typer.Option(
            "--walk-forward",
            metavar="N",
            min=0,
            help="With --sweep: choose anew for each of N pieces of the second half, from what came before.",
        ),
    ] = 0,
    monte_carlo: Annotated[
        int,
        typer.Option(
            "--monte-carlo",
            metavar="N",
            min=0,
            max=MOST_PATHS,
            help="Draw N other orders of the returns, in blocks.",
        ),
    ] = 0,
    cash: Annotated[
        float, typer.Option("--cash", min=1, max=MOST_CASH_USD, help="At the beginning, USD.")
    ] = 100_000.0,
    costs: Annotated[
        Literal["alpaca", "none"], typer.Option("--costs", help="alpaca: the regulators' fees and slippage.")
    ] = "alpaca",
    slippage_bps: Annotated[
        float,
        typer.Option(
            "--slippage-bps",
            min=0,
            max=MOST_SLIPPAGE_BPS,
            help="Paid beyond the open, each side; with --costs alpaca.",
        ),
    ] = 2.0,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write a tear sheet: one file that opens offline and prints."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Trade a strategy over the past with the code that decides live; orders are filled at the next open.

    Every backtest is recorded (table backtests), so that the best of many is judged as the best of many.

    [dim]Example:[/] trading-assets backtest momentum --start 2025-06-02 --param entry_rank=10
    """
    from resources.clock import SystemClock, monotonic_seconds
    from trading_assets.backtest.costs import Costs
    from trading_assets.cli.backtest_report import BacktestReport
    from trading_assets.cli.opened import opened_database, stored_lake
    from trading_assets.research.backtests import past_market
    from trading_assets.research.plan_in_force import load_plan
    from trading_assets.research.studies import grid_of, plans_of, run_study
    from trading_assets.research.trials import Records, trials_so_far
    from trading_assets.settings import load_settings

    if html is not None and not html.absolute().parent.is_dir():
        raise ConfigurationError(f"--html {html}: there is no folder {html.absolute().parent}")
    if walk_forward and not sweep:
        raise ConfigurationError("--walk-forward chooses among parameters: give some with --sweep NAME=A,B,C")
    settings, began = load_settings(), monotonic_seconds()
    given = parse_parameters(param or [])
    tried = {name: _values(name, text) for name, text in parse_parameters(sweep or [], "--sweep").items()}
    lake = stored_lake(settings)
    kind = "walk_forward" if walk_forward else "sweep" if tried else "backtest"
    grid = grid_of(tried)
    plans = plans_of(load_plan(settings.strategies), strategy, given, grid)
    first, last = _range(lake, start, end)
    with opened_database(settings) as database:
        records = Records(database, kind, SystemClock())
        try:
            study = run_study(
                past_market(database, lake, first, last),
                grid,
                plans,
                cash_usd=Decimal(repr(cash)),
                costs=Costs.alpaca(slippage_bps=slippage_bps) if costs == "alpaca" else Costs(),
                folds=walk_forward,
                keep=records.keep,
                track=_drawn,
            )
            trials = trials_so_far(database, study.best.backtest)
        except KeyboardInterrupt:
            err.print(records.told_when_broken_off(len(plans)), highlight=False, soft_wrap=True)
            raise typer.Exit(EXIT_FAILED) from None
        finally:
            records.show(settings)
    report = BacktestReport(study, trials, monte_carlo)
    if html is not None:
        from trading_assets.research.study_sheet import study_sheet

        figures = list(report.figures.values())
        html.write_text(study_sheet(study, figures, trials, lake, now=SystemClock().now()), encoding="utf-8")
        err.print(f"Tear sheet written to {html}", highlight=False, soft_wrap=True)
    if json:
        print_json({**report.document(), "seconds": round(monotonic_seconds() - began, 3)})
    else:
        report.show()


def _drawn(runs: Sequence[Any]) -> Iterable[Any]:
    """Draw progress over several backtests, where somebody looks."""
    from rich.progress import track

    return track(
        runs, "Backtests", console=err, transient=True, disable=len(runs) == 1 or not err.is_terminal
    )


def _range(lake: Lake, start: str | None, end: str | None) -> tuple[date, date]:
    from trading_assets.tables.features import DAILY_FEATURES

    first = parse_day(start, "--start") if start else None
    last = parse_day(end, "--end") if end else None
    if first and last and first > last:
        raise ConfigurationError(f"--start {first} lies after --end {last}")
    stored = lake.sessions(DAILY_FEATURES)
    if not stored:
        raise ConfigurationError("There are no features yet: run `trading-assets run` first")
    if first and first > stored[-1]:
        raise ConfigurationError(f"--start {first} lies after the newest session with features, {stored[-1]}")
    return first or stored[0], last or stored[-1]


def _values(name: str, text: str) -> list[str]:
    values = [part.strip() for part in text.split("|" if "|" in text else ",") if part.strip()]
    if not values:
        raise ConfigurationError(f"--sweep {name} needs values: {name}=A,B,C")
    return values

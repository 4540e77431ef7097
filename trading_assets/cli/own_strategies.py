"""`check-strategy`: whether a strategy says live what it said in a backtest; `new-strategy`: one of your own from a template."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.cli.opened import stored_lake
from trading_assets.cli.options import JsonOption, parse_day, parse_parameters
from trading_assets.cli.output import EXIT_FAILED, friendly_errors, out, print_json
from trading_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from resources.lake.lake import Lake
    from trading_assets.settings import Settings
    from trading_assets.strategies.checks import Verdict
    from trading_assets.strategies.contract import Strategy

SESSIONS = 126
"""Sessions that are looked at if none are named: half a year."""


@friendly_errors
def check_strategy(
    name: Annotated[
        str,
        typer.Argument(
            help="A built-in or plugged-in strategy, or one of the plan by its name there.",
            show_default=False,
        ),
    ],
    *,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter; repeatable.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", metavar="YYYY-MM-DD", help="First session; default: half a year.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--end", metavar="YYYY-MM-DD", help="Last session; default: the newest one.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check a strategy on the stored features: no look at the future, no memory, no chance, honest about what it reads.

    [dim]Examples:[/]
    trading-assets check-strategy momentum --param entry_rank=10
    trading-assets check-strategy screen --param "entry=RSI below 30" --param "exit=RSI above 55"
    """
    from trading_assets.settings import load_settings
    from trading_assets.strategies.checks import check_strategy as verdicts_of
    from trading_assets.strategies.registry import build_strategy

    first, last = (
        parse_day(day, option) if day else None for day, option in ((start, "--start"), (end, "--end"))
    )
    settings = load_settings()
    strategy = _planned(settings, name, param) or build_strategy(name, parse_parameters(param or []))
    features = _features(stored_lake(settings), strategy, first, last)
    seen = {"strategy": name, **_seen(features, strategy)}
    verdicts = verdicts_of(strategy, features)
    found = list(verdicts) if json else list(_told(verdicts, seen))
    passed = all(verdict.passed for verdict in found)
    if json:
        print_json({**seen, "passed": passed, "checks": [vars(verdict) for verdict in found]})
    if not passed:
        raise typer.Exit(EXIT_FAILED)


@friendly_errors
def new_strategy(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and _.", show_default=False)],
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Folder to write to; default: its name.")
    ] = None,
) -> None:
    """Write a strategy of your own from a template: a package with its entry point, and a test that checks it.

    [dim]Example:[/] trading-assets new-strategy breakout
    """
    from trading_assets.research.new_strategy import next_steps, write_strategy

    target = folder or Path(name)
    for path in write_strategy(name, target):
        out.print(f"wrote {path}", markup=False, highlight=False, soft_wrap=True)
    for line in next_steps(name, target):
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _planned(settings: Settings, name: str, param: list[str] | None) -> Strategy | None:
    """Return the strategy that the plan in force has under a name which is none of a kind; None if it has none."""
    from trading_assets.research.plan_in_force import load_plan
    from trading_assets.strategies.registry import strategy_names

    if name in strategy_names():
        return None
    planned = {item.name: item.strategy for item in load_plan(settings.strategies).strategies}
    if name in planned and param:
        raise ConfigurationError(
            f"{name} has its parameters in the plan: leave --param out, or check {planned[name].name} with it"
        )
    return planned.get(name)


def _features(lake: Lake, strategy: Strategy, first: date | None, last: date | None) -> pl.DataFrame:
    from trading_assets.research.strategy_features import read_features
    from trading_assets.tables.features import DAILY_FEATURES

    stored = lake.sessions(DAILY_FEATURES)
    if not stored:
        raise ConfigurationError("No session has features yet: run `trading-assets run` first")
    days = [day for day in stored if (first or stored[0]) <= day <= (last or stored[-1])]
    days = days if first else days[-SESSIONS:]
    if not days:
        raise ConfigurationError(f"No session from {first or stored[0]} to {last or stored[-1]} has features: those of {stored[0]} to {stored[-1]} do")  # fmt: skip
    features = read_features(lake, strategy, days[0], days[-1])
    there, needed = features["session"].n_unique(), strategy.lookback_sessions + 2
    if there < needed:
        raise ConfigurationError(
            f"Strategy {strategy.name} looks back on {strategy.lookback_sessions} sessions, so {needed} are needed to check it, and "
            f"there are {there} up to {days[-1]}: give an earlier --start, or fill the history with `trading-assets backfill`"
        )
    return features


def _seen(features: pl.DataFrame, strategy: Strategy) -> dict[str, object]:
    days = features["session"].unique().sort()
    return {
        "parameters": strategy.parameters.model_dump(mode="json"),
        "lookback_sessions": strategy.lookback_sessions,
        "feature_columns": list(strategy.feature_columns),
        "start": days[0],
        "end": days[-1],
        "sessions": len(days),
        "symbols": features["symbol"].n_unique(),
    }


def _told(verdicts: Iterator[Verdict], seen: dict[str, object]) -> Iterator[Verdict]:
    from trading_assets.strategies.checks import NAMES

    out.print(
        f"{seen['strategy']}: {seen['sessions']} sessions, {seen['start']} to {seen['end']}, {seen['symbols']} symbols",
        highlight=False,
    )
    passed, width = 0, max(map(len, NAMES))
    left = list(NAMES)
    for verdict in verdicts:
        left.remove(verdict.check)
        passed += verdict.passed
        said = verdict.proves if verdict.passed else verdict.finding
        word = "[green]pass[/]" if verdict.passed else "[bold red]FAIL[/]"
        out.print(word, f" {verdict.check:<{width}}  ", end="", highlight=False)
        out.print(said, markup=False, highlight=False, soft_wrap=True)
        yield verdict
    for name in left:
        out.print(f"[dim]----  {name:<{width}}   not run[/]", highlight=False)
    out.print(f"{passed} of {len(NAMES)} checks passed", highlight=False)

"""`backtest`: a strategy, or the whole plan, over the past; alone, over a grid of parameters, or walking forward."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from trading_assets.cli.options import JsonOption, parse_day
from trading_assets.cli.output import err, friendly_errors, out, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from resources.lake.lake import Lake
    from trading_assets.backtest.costs import Costs
    from trading_assets.backtest.summary import Figure
    from trading_assets.decision.plan import TradingPlan
    from trading_assets.research.backtests import Backtest, PastMarket
    from trading_assets.research.trials import Trials
    from trading_assets.settings import Settings

SHOWN_TRIALS = 20
IDLE_SESSIONS = 5
"""A later first signal is told."""
ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param", metavar="NAME=VALUE", help="Parameter of the strategy; may be given several times."
    ),
]


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
    param: ParamOption = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option("--sweep", metavar="NAME=A,B,C", help="Try each value; several make a grid."),
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
            "--monte-carlo", metavar="N", min=0, help="Draw N other orders of the returns, in blocks."
        ),
    ] = 0,
    cash: Annotated[float, typer.Option("--cash", min=1, help="At the beginning, USD.")] = 100_000.0,
    costs: Annotated[
        Literal["alpaca", "none"], typer.Option("--costs", help="alpaca: the regulators' fees and slippage.")
    ] = "alpaca",
    slippage_bps: Annotated[
        float,
        typer.Option("--slippage-bps", min=0, help="Paid beyond the open, each side; with --costs alpaca."),
    ] = 2.0,
    json: JsonOption = False,
) -> None:
    """Trade a strategy over the past with the code that decides live; orders are filled at the next open.

    Every backtest is recorded (table backtests), so that the best of many is judged as the best of many.

    [dim]Example:[/] trading-assets backtest momentum --start 2025-06-02 --param entry_rank=10
    """
    from resources.clock import monotonic_seconds
    from trading_assets.backtest.costs import Costs
    from trading_assets.cli.opened import opened_database
    from trading_assets.errors import ConfigurationError
    from trading_assets.research.backtests import past_market
    from trading_assets.research.plan_in_force import load_plan
    from trading_assets.research.studies import grid_of, plan_for
    from trading_assets.settings import load_settings

    if walk_forward and not sweep:
        raise ConfigurationError("--walk-forward chooses among parameters: give some with --sweep NAME=A,B,C")
    settings = load_settings()
    given = dict(_pair(text, "--param") for text in param or [])
    tried = {
        name: _values(value) for name, value in (_pair(text, "--sweep", raw=True) for text in sweep or [])
    }
    in_force = load_plan(settings.strategies)
    plans = [plan_for(in_force, strategy, {**given, **chosen}) for chosen in grid_of(tried)]
    lake = _lake(settings)
    market = past_market(lake, *_range(lake, start, end))
    charged = Costs.alpaca(slippage_bps=slippage_bps) if costs == "alpaca" else Costs()
    study = _Study(market, plans, [_words(chosen) for chosen in grid_of(tried)], Decimal(repr(cash)), charged)
    began = monotonic_seconds()
    done = study.run(monotonic_seconds)
    with opened_database(settings) as database:
        from resources.clock import SystemClock
        from resources.database.snapshots import snapshot_tables
        from resources.lake.catalog import snapshot_folder
        from trading_assets.research.trials import name_of, record_trials, trials_so_far

        kind = "walk_forward" if walk_forward else "sweep" if tried else "backtest"
        record_trials(database, done, study=kind, now=SystemClock().now())
        trials = trials_so_far(database, name_of(done[0][0]))
        snapshot_tables(database, snapshot_folder(settings), only={"backtests"})
    shape = [len(values) for values in tried.values()]
    report = _Report(study, done, trials, shape=shape, folds=walk_forward, paths=monte_carlo)
    if json:
        print_json({**report.document(), "seconds": round(monotonic_seconds() - began, 3)})
    else:
        report.show()


class _Study:
    def __init__(
        self,
        market: PastMarket,
        plans: Sequence[TradingPlan],
        words: Sequence[str],
        cash: Decimal,
        costs: Costs,
    ) -> None:
        self.market, self.plans, self.words, self.cash, self.costs = market, plans, words, cash, costs

    def run(self, seconds: Any) -> list[tuple[Backtest, list[Figure], float]]:
        from rich.progress import track

        from trading_assets.backtest.summary import figures
        from trading_assets.research.backtests import run_backtest

        done = []
        for plan in track(self.plans, "Backtests", console=err, transient=True, disable=len(self.plans) == 1 or not err.is_terminal):  # fmt: skip
            began = seconds()
            result = run_backtest(self.market, plan, cash_usd=self.cash, costs=self.costs)
            done.append((result, figures(result.result, result.curves, result.trips), seconds() - began))
        return done


class _Report:
    """What is told of a study: its best backtest, and what the choice is worth."""

    def __init__(
        self,
        study: _Study,
        done: list[tuple[Backtest, list[Figure], float]],
        trials: Trials,
        *,
        shape: Sequence[int],
        folds: int,
        paths: int,
    ) -> None:
        import numpy as np

        from trading_assets.research.studies import choose, walk_forwards

        self.study, self.done, self.trials, self.paths = study, done, trials, paths
        returns = np.stack([item.curves.returns for item, _, _ in done], axis=1)
        self.choice = choose(returns, shape or [1])
        self.walked = walk_forwards(returns, folds) if folds else None
        self.best, figures, _ = done[self.choice.best]
        self.figures = {figure.name: figure for figure in figures}
        self.figures["trials"] = type(figures[0])(
            **{**vars(self.figures["trials"]), "value": float(trials.count)}
        )
        self.deflated = trials.deflated_sharpe(self.best)

    def document(self) -> dict[str, object]:
        """Return everything for programs."""
        shown = {
            "strategy": "+".join(self.best.plan.names),
            "start": self.study.market.sessions[0],
            "end": self.study.market.sessions[-1],
            "data_hash": self.study.market.data_hash,
            "plan_fingerprint": self.best.plan.fingerprint,
            "figures": {name: _known(figure.value) for name, figure in self.figures.items()},
            "deflated_sharpe": _known(self.deflated),
            "caveats": list(self.caveats()),
            "outcomes": {
                f"{outcome} {rule}".strip(): count
                for (outcome, rule), count in sorted(self.best.result.outcomes.items())
            },
        }
        if len(self.done) > 1:
            shown["overfitting"] = _known(self.choice.overfitting)
            shown["plateau"] = _known(self.choice.plateau)
            shown["trials"] = [
                {"parameters": words, **{figure.name: _known(figure.value) for figure in figures}}
                for words, (_, figures, _) in zip(self.study.words, self.done, strict=True)
            ]
        if self.walked is not None:
            shown["walk_forward"] = self._walked()
        if self.paths:
            shown["monte_carlo"] = self._drawn()
        return shown

    def show(self) -> None:
        """Print tables for people."""
        first, last = self.study.market.sessions[0], self.study.market.sessions[-1]
        title = (
            f"{'+'.join(self.best.plan.names)}, {first} to {last}, {len(self.study.market.sessions)} sessions"
        )
        if len(self.done) > 1:
            self._show_trials()
            title = f"The best: {self.study.words[self.choice.best]}; {title}"
        rows = [
            (figure.group, figure.name.rsplit("_frac", 1)[0].replace("_usd", "").replace("_", " "), _shown(figure), figure.definition)
            for figure in self.figures.values()
        ]  # fmt: skip
        print_table(
            title, ("about", "figure", "value", "definition"), rows, right=("value",), folded=("definition",)
        )
        self._warn()

    def caveats(self) -> Iterator[str]:
        """Yield what a reader of the figures must know."""
        begun, days = self.best.first_signal, self.study.market.sessions
        if begun is None:
            yield "The strategy gave no signal in these sessions: nothing was traded"
        elif (idle := days.index(begun)) > IDLE_SESSIONS:
            yield (
                f"The first signal is of {begun}, {idle} sessions after the start: the figures count the time before it. The "
                f"features before lack the look-back; begin there with --start {begun}, or fill more history with backfill"
            )
        ends = sum(event.kind == "end_without_word" for event in self.best.result.events)
        if ends:
            yield (
                f"{ends} holding{'' if ends == 1 else 's'} ended without a known price: taken out at the last close, which flatters"
            )

    def _show_trials(self) -> None:
        names = ("annual_return_frac", "sharpe", "max_drawdown_frac", "trades", "turnover_frac")
        rows: list[tuple[float, tuple[str, ...]]] = []
        for words, (_, figures, _) in zip(self.study.words, self.done, strict=True):
            own = {figure.name: figure for figure in figures}
            rank = own["sharpe"].value
            shown = (words, *(_shown(own[name]) for name in names))
            rows.append((math.inf if math.isnan(rank) else -rank, shown))
        ordered = [shown for _, shown in sorted(rows)]
        columns = ("parameters", "a year", "Sharpe", "drawdown", "trades", "turnover")
        title = f"{len(rows)} backtests, the best Sharpe ratio first"
        print_table(
            title,
            columns,
            ordered[:SHOWN_TRIALS],
            right=columns[1:],
            folded=("parameters",),
        )
        if len(ordered) > SHOWN_TRIALS:
            err.print(
                f"{SHOWN_TRIALS} of {len(ordered)} shown (--json for all)", style="dim", highlight=False
            )

    def _warn(self) -> None:
        told = list(self.caveats())
        if len(self.done) > 1 and not math.isnan(self.choice.overfitting):
            told.append(
                f"Chosen on one half of the time, the best is below the median in the other half {self.choice.overfitting:.0%} "
                "of the time (0 %: the choice holds; 50 %: it is chance)"
            )
        if self.figures["sharpe"].value > 0 and not math.isnan(self.choice.plateau):
            told.append(
                f"{self.choice.plateau:.0%} of its neighbours in the grid reach nine tenths of its Sharpe ratio"
            )
        if not math.isnan(self.deflated):
            told.append(
                f"{self.trials.count} sets of parameters were tried of it so far: that its true Sharpe ratio is above 0 has a "
                f"probability of {self.deflated:.0%} (deflated), not {self.figures['probabilistic_sharpe'].value:.0%}"
            )
        if self.walked is not None:
            walked = self._walked()
            told.append(
                f"Walking forward from {walked['start']}: {walked['annual_return_frac']:+.1%} a year, Sharpe {walked['sharpe']:.2f}; "
                f"chosen: {'; '.join(walked['chosen'])}"
            )
        if self.paths:
            drawn = self._drawn()
            told.append(
                f"{self.paths:,} other orders of the returns: final equity {drawn['q05']:,.0f} to {drawn['q95']:,.0f} USD (90 %), "
                f"drawdown worse than {drawn['drawdown_q05']:.1%} in one of twenty"
            )
        for text in told:
            out.print(text, highlight=False, soft_wrap=True)

    def _walked(self) -> dict[str, Any]:
        from trading_assets.statistics.performance import annual_return, cumulative_return, sharpe_ratio

        walked = self.walked
        if walked is None:
            return {}
        return {
            "start": self.study.market.sessions[walked.first],
            "chosen": [self.study.words[place] for place in walked.chosen],
            "total_return_frac": float(cumulative_return(walked.returns)),
            "annual_return_frac": float(annual_return(walked.returns)),
            "sharpe": float(sharpe_ratio(walked.returns)),
        }

    def _drawn(self) -> dict[str, float]:
        import numpy as np

        from trading_assets.statistics.bootstrap import bootstrapped_drawdowns, equity_bands

        returns = self.best.curves.returns
        last = equity_bands(returns, seed=1, paths=self.paths).row(-1, named=True)
        falls = bootstrapped_drawdowns(returns, seed=1, paths=self.paths)
        cash = float(self.best.cash_usd)
        bands = {name: value * cash for name, value in last.items() if name.startswith("q")}
        return {**bands, "drawdown_q05": float(np.quantile(falls, 0.05))}


def _lake(settings: Settings) -> Lake:
    from resources.lake.lake import Lake
    from resources.lake.locks import FileLocks

    return Lake(settings.lake_root, FileLocks(settings.data / "run" / "cli"))  # never taken: this only reads


def _range(lake: Lake, start: str | None, end: str | None) -> tuple[date, date]:
    from trading_assets.errors import ConfigurationError
    from trading_assets.tables.features import DAILY_FEATURES

    first = parse_day(start, "--start") if start else None
    last = parse_day(end, "--end") if end else None
    if first and last and first > last:
        raise ConfigurationError(f"--start {first} lies after --end {last}")
    stored = lake.sessions(DAILY_FEATURES)
    if not stored:
        raise ConfigurationError("There are no features yet: run `trading-assets run` first")
    return first or stored[0], last or stored[-1]


def _pair(text: str, option: str, *, raw: bool = False) -> tuple[str, Any]:
    from trading_assets.errors import ConfigurationError

    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise ConfigurationError(f"{option} {text!r}: write it as NAME=VALUE, e.g. entry_rank=10")
    return name.strip(), value if raw else _value(value)


def _value(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _values(text: str) -> list[Any]:
    return [_value(part) for part in text.split(",") if part.strip()]


def _words(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _shown(figure: Figure) -> str:
    if not math.isfinite(figure.value):
        return "n/a"
    match figure.unit:
        case "frac":
            return f"{figure.value:.2%}"
        case "usd":
            return f"{figure.value:,.2f}"
        case "ratio":
            return f"{figure.value:.2f}"
        case _:
            return f"{figure.value:,.1f}" if figure.value % 1 else f"{figure.value:,.0f}"

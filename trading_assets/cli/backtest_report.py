"""What `backtest` tells of a study: the figures of the best backtest, and what the choice is worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trading_assets.backtest.summary import Figure
from trading_assets.cli.output import err, out, print_table
from trading_assets.research.studies import Study
from trading_assets.research.trials import Trials, name_of
from trading_assets.statistics.bootstrap import bootstrapped_drawdowns, equity_bands
from trading_assets.statistics.performance import annual_return, cumulative_return, sharpe_ratio

SHOWN_TRIALS = 20


class BacktestReport:
    """A study, for people and for programs; ``paths`` are the other orders of the returns to draw, 0: none."""

    def __init__(self, study: Study, trials: Trials, paths: int = 0) -> None:
        self.study, self.trials, self.paths, self.best = study, trials, paths, study.best
        self.name = name_of(self.best.backtest)
        self.figures = {figure.name: figure for figure in [*self.best.figures, trials.figure]}
        self.deflated = trials.deflated_sharpe(self.best.backtest)

    def document(self) -> dict[str, object]:
        """Return everything for programs."""
        shown = {
            "strategy": self.name,
            "start": self.study.sessions[0],
            "end": self.study.sessions[-1],
            "data_hash": self.study.market.data_hash,
            "plan_fingerprint": self.best.backtest.plan.fingerprint,
            "figures": {name: _known(figure.value) for name, figure in self.figures.items()},
            "deflated_sharpe": _known(self.deflated),
            "caveats": list(self.study.caveats()),
            "outcomes": {
                f"{outcome} {rule}".strip(): count
                for (outcome, rule), count in sorted(self.best.backtest.result.outcomes.items())
            },
        }
        if len(self.study.runs) > 1:
            shown["overfitting"] = _known(self.study.choice.overfitting)
            shown["plateau"] = _known(self.study.choice.plateau)
            shown["trials"] = [
                {"parameters": run.words, **{figure.name: _known(figure.value) for figure in run.figures}}
                for run in self.study.runs
            ]
        if self.study.walked is not None:
            shown["walk_forward"] = self._walked()
        if self.paths:
            shown["monte_carlo"] = self._drawn()
        return shown

    def show(self) -> None:
        """Print tables for people."""
        first, last = self.study.sessions[0], self.study.sessions[-1]
        title = f"{self.name}, {first} to {last}, {len(self.study.sessions)} sessions"
        if len(self.study.runs) > 1:
            self._show_trials()
            title = f"The best: {self.best.words}; {title}"
        rows = [
            (figure.group, figure.name.rsplit("_frac", 1)[0].replace("_usd", "").replace("_", " "), _shown(figure), figure.definition)
            for figure in self.figures.values()
        ]  # fmt: skip
        print_table(
            title, ("about", "figure", "value", "definition"), rows, right=("value",), folded=("definition",)
        )
        self._warn()

    def _show_trials(self) -> None:
        names = ("annual_return_frac", "sharpe", "max_drawdown_frac", "trades", "turnover_frac")
        rows: list[tuple[float, tuple[str, ...]]] = []
        for run in self.study.runs:
            own = {figure.name: figure for figure in run.figures}
            rank = own["sharpe"].value
            shown = (run.words, *(_shown(own[name]) for name in names))
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
        told = list(self.study.caveats())
        if len(self.study.runs) > 1 and math.isnan(self.study.choice.overfitting):
            told.append(
                "What choosing the best is worth is n/a: the backtests are all the same, or too short"
            )
        elif len(self.study.runs) > 1:
            told.append(
                f"Chosen on one half of the time, the best is below the median in the other half {self.study.choice.overfitting:.0%} "
                "of the time (0 %: the choice holds; 50 %: it is chance)"
            )
        if self.figures["sharpe"].value > 0 and not math.isnan(self.study.choice.plateau):
            told.append(
                f"{self.study.choice.plateau:.0%} of its neighbours in the grid reach nine tenths of its Sharpe ratio"
            )
        if not math.isnan(self.deflated):
            told.append(
                f"{self.trials.count} sets of parameters, limits and costs were tried of it so far: that its true Sharpe ratio is "
                f"above 0 has a probability of {self.deflated:.0%} (deflated), not {self.figures['probabilistic_sharpe'].value:.0%}"
            )
        elif self.trials.count > 1:
            told.append(
                f"{self.trials.count} sets of parameters, limits and costs were tried of it so far; the deflated Sharpe ratio is n/a: "
                f"{len(self.trials.ratios)} of them {'has' if len(self.trials.ratios) == 1 else 'have'} a ratio over these sessions "
                "at these costs"
            )
        if self.study.walked is not None:
            walked = self._walked()
            told.append(
                f"Walking forward from {walked['start']}: {_told(walked['annual_return_frac'], '+.1%')} a year, Sharpe "
                f"{_told(walked['sharpe'], '.2f')}; "
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

        walked = self.study.walked
        if walked is None:
            return {}
        return {
            "start": self.study.sessions[walked.first],
            "chosen": [self.study.runs[place].words for place in walked.chosen],
            "total_return_frac": float(cumulative_return(walked.returns)),
            "annual_return_frac": float(annual_return(walked.returns)),
            "sharpe": float(sharpe_ratio(walked.returns)),
        }

    def _drawn(self) -> dict[str, float]:

        returns = self.best.backtest.curves.returns
        last = equity_bands(returns, seed=1, paths=self.paths).row(-1, named=True)
        falls = bootstrapped_drawdowns(returns, seed=1, paths=self.paths)
        cash = float(self.best.backtest.cash_usd)
        bands = {name: value * cash for name, value in last.items() if name.startswith("q")}
        return {**bands, "drawdown_q05": float(np.quantile(falls, 0.05))}


def _told(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "n/a"


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

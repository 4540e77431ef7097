"""Checks of a strategy: whether it can be trusted to say live what it said in a backtest; one verdict per check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from trading_assets.errors import TradingError
from trading_assets.strategies.contract import (
    SIGNAL_SCHEMA,
    Strategy,
    checked_signals,
    parameter_hash,
    strategy_version,
)
from trading_assets.strategies.source_check import impurities

CUTS = 4
ONE_BY_ONE = 12
KEY = ["session", "symbol"]


@dataclass(frozen=True)
class Verdict:
    """What one check found: ``finding`` is the first row that differs, with what it was and became, or what is wrong.

    ``compared`` counts the signals that were compared, all trials together. A check that did not pass ``is_open`` if there was nothing
    to compare: it found nothing wrong either.
    """

    check: str
    proves: str
    passed: bool
    finding: str = ""
    compared: int = 0
    is_open: bool = False


@dataclass(frozen=True)
class _Trial:
    """One way to run the strategy: on other features, with the signals of the sessions that must not change for it."""

    how: str
    said: Callable[[], pl.DataFrame]
    expected: pl.DataFrame
    sessions: pl.Expr


@dataclass(frozen=True)
class _Subject:
    """The strategy, what it is given, and what it says of all of it at once."""

    strategy: Strategy
    features: pl.DataFrame
    sessions: Sequence[date]
    full: pl.DataFrame

    def fresh(self) -> Strategy:
        """Make a new instance with the same parameters."""
        return _anew(self.strategy)

    def run(self, features: pl.DataFrame, strategy: Strategy | None = None) -> pl.DataFrame:
        """Ask a new instance, or the one given."""
        return checked_signals(strategy or self.fresh(), features)

    @property
    def asked(self) -> Sequence[date]:
        """Sessions with everything that they look back on."""
        return self.sessions[min(self.strategy.lookback_sessions, len(self.sessions) - 1) :]

    @property
    def cuts(self) -> list[date]:
        """Sessions spread over those asked for, and over those with signals, each with another one behind it."""
        days = self.asked[:-1]
        with_signals = self.full.filter(pl.col("session").is_in(days))["session"].unique().sort().to_list()
        return sorted({*_spread(days), *_spread(with_signals)})

    def window(self, first: date, last: date) -> pl.DataFrame:
        """Return the features of sessions, and of as many before as the strategy declares: what it is given live."""
        start = self.sessions[max(0, self.sessions.index(first) - self.strategy.lookback_sessions)]
        return self.features.filter(pl.col("session").is_between(start, last))

    def trial(self, how: str, features: pl.DataFrame, until: date) -> _Trial:
        """Run on features that differ after a session: what was said up to it stays."""
        known = pl.col("session") <= until
        return _Trial(how, partial(self.run, features), self.full.filter(known), known)

    def part(self, how: str, first: date, last: date, strategy: Strategy | None = None) -> _Trial:
        """Run on some sessions alone."""
        wanted = pl.col("session").is_between(first, last)
        said = partial(self.run, self.window(first, last), strategy)
        return _Trial(how, said, self.full.filter(wanted), wanted)


def _future_removed(subject: _Subject) -> Iterator[_Trial]:
    for cut in subject.cuts:
        yield subject.trial(
            f"without what follows {cut}", subject.features.filter(pl.col("session") <= cut), cut
        )


def _future_changed(subject: _Subject) -> Iterator[_Trial]:
    for cut in subject.cuts:
        yield subject.trial(f"with other values after {cut}", _changed(subject.features, cut), cut)


def _delisted_later(subject: _Subject) -> Iterator[_Trial]:
    for cut in subject.cuts:
        named = subject.full.filter(pl.col("session") <= cut)["symbol"].unique().sort()
        for which in range(2):
            gone = pl.col("symbol").is_in(named[which::2].implode()) & (pl.col("session") > cut)
            yield subject.trial(f"with symbols delisted after {cut}", subject.features.filter(~gone), cut)


def _listed_later(subject: _Subject) -> Iterator[_Trial]:
    for cut in subject.cuts:
        later = subject.features.filter(pl.col("session") > cut)
        listed = later.with_columns(pl.format("0{}", "symbol").alias("symbol"))
        more = pl.concat([subject.features, listed]).sort(KEY)
        yield subject.trial(f"with symbols listed after {cut}", more, cut)


def _any_order(subject: _Subject) -> Iterator[_Trial]:
    shuffled = [subject.features.sample(fraction=1.0, shuffle=True, seed=seed) for seed in range(3)]
    by_symbol = subject.features.sort("symbol", "session")
    for features in (by_symbol, by_symbol.reverse(), *shuffled):
        yield subject.trial("with the rows in another order", features, subject.sessions[-1])


def _repeatable(subject: _Subject) -> Iterator[_Trial]:
    again = subject.fresh()
    for how in ("a second time", "a third time"):
        said = partial(subject.run, subject.features, again)
        yield _Trial(how, said, subject.full, pl.lit(value=True))


def _no_memory(subject: _Subject) -> Iterator[_Trial]:
    used = subject.fresh()

    def said(before: pl.DataFrame) -> pl.DataFrame:
        with suppress(TradingError):  # what it says of these is not asked
            subject.run(before, used)
        return subject.run(subject.features, used)

    middle = subject.sessions[len(subject.sessions) // 2]
    others = (
        ("after it was asked of the first half alone", subject.features.filter(pl.col("session") <= middle)),
        (
            "after it was asked of the newest session alone",
            subject.window(subject.sessions[-1], subject.sessions[-1]),
        ),
        ("after it was asked of other values", _changed(subject.features, subject.sessions[0])),
    )
    for how, before in others:
        yield _Trial(how, partial(said, before), subject.full, pl.lit(value=True))


def _look_back(subject: _Subject) -> Iterator[_Trial]:
    # at sessions with signals as well as without, and among them those of which each side was said
    sides = subject.full.filter(pl.col("session").is_in(subject.asked))
    each = sides.group_by("side").agg(pl.col("session").max())["session"].to_list()
    for day in sorted({*subject.cuts, *each}):
        yield subject.part(f"with {subject.strategy.lookback_sessions} earlier sessions, at {day}", day, day)


def _one_by_one(subject: _Subject) -> Iterator[_Trial]:
    live = subject.fresh()
    for day in subject.asked[-ONE_BY_ONE:]:
        yield subject.part(f"session {day} alone, in turn", day, day, live)
    days = subject.asked
    thirds = [days[len(days) * step // 3] for step in range(3)]
    for first, following in zip(thirds, [*thirds[1:], None], strict=True):
        last = (
            days[-1] if following is None else days[days.index(following) - 1] if following > first else first
        )
        yield subject.part(f"sessions {first} to {last} as a part", first, last)


CHECKS: dict[str, tuple[str, Callable[[_Subject], Iterator[_Trial]]]] = {
    "future_removed": (
        "what follows a session does not change its signals: it is not there",
        _future_removed,
    ),
    "future_changed": (
        "what follows a session does not change its signals: it is different",
        _future_changed,
    ),
    "delisted_later": ("a symbol that goes away later had its signals before", _delisted_later),
    "listed_later": ("a symbol that comes later does not change earlier signals", _listed_later),
    "any_order": ("the order of the rows decides nothing, ties included", _any_order),
    "repeatable": ("the same features give the same signals", _repeatable),
    "no_memory": ("what it was asked before decides nothing", _no_memory),
    "look_back": ("a session and as many before as declared are enough", _look_back),
    "one_by_one": ("session by session, as live, is the same as all at once, as in a backtest", _one_by_one),
}
"""Checks that run the strategy in other ways, by name: what each proves, and its trials."""

CONTRACT = (
    "contract",
    "its rows are as agreed: columns, sides, strengths 0 to 1, no key twice, of declared features alone",
)
PURE = ("pure", "its source reads no clock, chance, environment, file or network")
SAYS_SOMETHING = (
    "says_something",
    "there are signals to compare: without any the other checks prove nothing",
)
NAMES = (CONTRACT[0], PURE[0], SAYS_SOMETHING[0], *CHECKS)


def check_strategy(strategy: Strategy, features: pl.DataFrame) -> Iterator[Verdict]:
    """Check a strategy on features, one verdict after the other, in the order of ``NAMES``.

    Parameters
    ----------
    strategy
        The strategy with its parameters; further instances are made of its class.
    features
        Rows of the columns that it declares, of more sessions than it looks back on.

    Returns
    -------
    iterator of Verdict
        One per check, up to the first that leaves nothing for those after it: a broken contract, or no signal at all.
    """
    try:
        subject, broken = _subject(strategy, features), ""
    except TradingError as error:
        subject, broken = None, str(error)
    broken = broken or _contract_broken(strategy, features)
    is_open = bool(broken) and _has_number(strategy) and broken == _too_few(strategy, features)
    yield Verdict(*CONTRACT, passed=not broken, finding=broken, is_open=is_open)
    if broken or subject is None:
        return
    found = impurities(strategy)
    yield Verdict(*PURE, passed=not found, finding="; ".join(found))
    signals = subject.full.filter(pl.col("session").is_in(subject.asked)).height
    days = len(subject.asked)
    nothing = "" if signals else f"no signal in {days} sessions: take more of them, or other parameters"
    yield Verdict(
        *SAYS_SOMETHING, passed=bool(signals), finding=nothing, compared=signals, is_open=not signals
    )
    if nothing:
        return
    for name, (proves, trials) in CHECKS.items():
        yield _verdict(name, proves, trials(subject))


def _spread(days: Sequence[date]) -> list[date]:
    return [days[len(days) * step // (CUTS + 1)] for step in range(1, CUTS + 1)] if days else []


def _subject(strategy: Strategy, features: pl.DataFrame) -> _Subject:
    columns = ["symbol", "session", *strategy.feature_columns]
    given = features.select(name for name in columns if name in features.columns).sort(KEY)
    full = checked_signals(_anew(strategy), given)
    return _Subject(strategy, given, given["session"].unique().sort().to_list(), full)


def _anew(strategy: Strategy) -> Strategy:
    made: Strategy = type(strategy)(strategy.parameters)  # type: ignore[call-arg] # the contract: made of its parameters
    return made


def _contract_broken(strategy: Strategy, features: pl.DataFrame) -> str:
    declared = strategy.feature_columns
    if len(set(declared)) != len(declared):
        return f"feature_columns names a column twice: {', '.join(declared)}"
    if not _has_number(strategy):
        return f"lookback_sessions is {strategy.lookback_sessions!r}, not a number of sessions from 0 on"
    if too_few := _too_few(strategy, features):
        return too_few
    try:
        strategy_version(strategy), parameter_hash(strategy.parameters)
        nothing = checked_signals(_anew(strategy), features.clear())
    except (TradingError, OSError) as error:
        return f"without any row: {error}"
    return "" if nothing.is_empty() else "it gives signals although there are no features"


def _has_number(strategy: Strategy) -> bool:
    return isinstance(strategy.lookback_sessions, int) and strategy.lookback_sessions >= 0


def _too_few(strategy: Strategy, features: pl.DataFrame) -> str:
    sessions = features["session"].n_unique()
    if sessions > strategy.lookback_sessions + 1:
        return ""
    return f"it looks back on {strategy.lookback_sessions} sessions, and there are {sessions}: give it more of them"


def _verdict(name: str, proves: str, trials: Iterator[_Trial]) -> Verdict:
    compared = 0
    for trial in trials:
        compared += trial.expected.height
        try:
            got = trial.said().filter(trial.sessions)
        except TradingError as error:
            return Verdict(name, proves, passed=False, finding=f"{trial.how}: {error}", compared=compared)
        if not trial.expected.equals(got):
            finding = f"{trial.how}: {_first_difference(trial.expected, got)}"
            return Verdict(name, proves, passed=False, finding=finding, compared=compared)
    nothing = "" if compared else "no signal to compare: take more sessions, or other parameters"
    return Verdict(
        name, proves, passed=bool(compared), finding=nothing, compared=compared, is_open=not compared
    )


def _first_difference(expected: pl.DataFrame, got: pl.DataFrame) -> str:
    columns = list(SIGNAL_SCHEMA)
    either = pl.concat(
        [
            expected.join(got, on=columns, how="anti", nulls_equal=True),
            got.join(expected, on=columns, how="anti", nulls_equal=True),
        ]
    ).sort(KEY)
    session, symbol = either.select(KEY).row(0)
    was, becomes = (_said(rows.filter(session=session, symbol=symbol)) for rows in (expected, got))
    return f"{session} {symbol}: {was} becomes {becomes}; {either.select(KEY).n_unique()} rows differ"


def _said(row: pl.DataFrame) -> str:
    if row.is_empty():
        return "no signal"
    found = row.row(0, named=True)
    return f"{found['side']} {found['strength']!r} ({found['reason']}) {found['inputs']}"


def _changed(features: pl.DataFrame, cut: date) -> pl.DataFrame:
    """Turn every value after the cut into another one, nulls and texts included: any dependence on it shows."""
    known = pl.col("session") <= cut
    changed = []
    for name, kind in features.schema.items():
        if name in KEY:
            continue
        column = pl.col(name).reverse()
        if kind.is_numeric():
            other = (-1000.0 * column.fill_null(7.0) + 1.0).cast(kind, strict=False)
        else:
            other = column.fill_null("something else") if kind == pl.String else column
        changed.append(pl.when(known).then(pl.col(name)).otherwise(other).alias(name))
    return features.with_columns(changed)

"""Strategy of two screens: buy what passes one, hold it until it passes the other; the screens are sentences or shipped ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import polars as pl
from pydantic import Field, field_validator

from trading_assets.errors import NotUnderstoodError, Problem
from trading_assets.features.seams import first_bars
from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters
from trading_assets.strategies.holding import held_rows

if TYPE_CHECKING:
    from trading_assets.screener.filters import Query

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MATCH = {"symbol": pl.String(), "session": pl.Date(), "rank": pl.Int32()}


class ScreenParameters(StrategyParameters):
    """What to buy, what to sell, and how long to wait for it."""

    entry: str = Field(
        description="buy what passes it: a sentence of the screener, or the name of a shipped screen"
    )
    exit: str | None = Field(
        default=None,
        description="sell what passes it, as entry; unset: sell what does not pass entry any more",
    )
    max_holding_sessions: int = Field(
        default=63,
        ge=1,
        le=252,
        description="with an exit: sell so many sessions after entry passed last, at the latest; sessions",
    )

    @field_validator("entry", "exit")
    @classmethod
    def _check(cls, text: str | None) -> str | None:
        if text is not None:
            _query(text)
        return text

    def identity(self) -> dict[str, object]:
        """Return the values and what the screens look for: another meaning of the same words is another strategy."""
        from trading_assets.screener.evaluate import screen_version

        texts = {"entry": self.entry, "exit": self.exit}
        means = {name: screen_version(_query(text)) for name, text in texts.items() if text is not None}
        return super().identity() | {"means": means}


@dataclass(frozen=True)
class ScreenStrategy:
    """Enter what passes the ``entry`` screen; hold it until it passes ``exit`` or the time is up, or while it passes ``entry``.

    ============== ====================================== ===============================
    side           with an ``exit`` screen                without one
    ============== ====================================== ===============================
    ``enter_long`` passes ``entry`` and not ``exit``      passes ``entry``
    ``hold_long``  since then, and passes neither         never
    ``exit_long``  the first session that passes          the first session that does not
                   ``exit``, or ``max_holding_sessions``  pass ``entry`` any more
                   after ``entry`` passed last
    ============== ====================================== ===============================

    ``top N by`` counts: what ranks beyond it does not pass. A symbol without a feature row in the session gets no signal,
    and one that lacks the data to decide passes neither.
    """

    name: ClassVar[str] = "screen"

    parameters: ScreenParameters

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """What the conditions and the order of both screens read."""
        from trading_assets.screener.market_frame import columns_needed

        return tuple(dict.fromkeys(name for query in self._queries for name in columns_needed(query)[0]))

    @property
    def lookback_sessions(self) -> int:
        """What the screens look back on, and how long a holding may last."""
        return self._reach + (self.parameters.max_holding_sessions if self.parameters.exit else 1)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        """Evaluate the screens in every session, and follow what passed.

        Parameters
        ----------
        features
            Rows of ``daily_features`` with the texts that the screens name; the sessions must follow each other.

        Returns
        -------
        pl.DataFrame
            Rows of ``SIGNAL_SCHEMA``; ``strength`` of an entry is 1 for the first by the order of its screen and falls
            linearly to 1 / N for the last of N, of a hold 0.5, of an exit 0. Look-ahead: a row reads its own session and
            the ``lookback_sessions`` before it.
        """
        matches = self._matches(self.parameters.entry, features)
        counted = matches.with_columns(matched=pl.len().over("session"))
        rows = features.join(counted, on=["symbol", "session"], how="left")
        held = self._until_exit(rows) if self.parameters.exit else _while_passing(rows)
        return held.select("symbol", "session", "side", _strength(), "reason", self._inputs()).cast(
            SIGNAL_SCHEMA
        )

    @property
    def _queries(self) -> tuple[Query, ...]:
        texts = (self.parameters.entry, self.parameters.exit)
        return tuple(_query(text) for text in texts if text is not None)

    @property
    def _reach(self) -> int:
        from trading_assets.screener.market_frame import columns_needed

        return max(columns_needed(query)[1][-1] for query in self._queries)

    def _matches(self, text: str, features: pl.DataFrame) -> pl.DataFrame:
        from trading_assets.screener.evaluate import ranked
        from trading_assets.screener.market_frame import Market

        if features.is_empty():
            return pl.DataFrame(schema=_MATCH)
        seams = first_bars(features.select("symbol", "session").sort("symbol", "session"))
        return ranked(_query(text), Market(features, seams=seams)).select(*_MATCH)

    def _until_exit(self, rows: pl.DataFrame) -> pl.DataFrame:
        out = self._matches(self.parameters.exit or "", rows.drop("rank", "matched"))
        marked = rows.join(out.select("symbol", "session", leaves=True), on=["symbol", "session"], how="left")
        leaves = pl.col("leaves").fill_null(value=False)
        enters = pl.col("rank").is_not_null() & ~leaves
        held = held_rows(
            marked.with_columns(enters=enters, leaves=leaves),
            max_sessions=self.parameters.max_holding_sessions,
        )
        reason = (
            pl.when("enters")
            .then(_ranked())
            .when("leaves")
            .then(pl.format("passes the exit screen, {} after the entry screen", _age()))
            .when(pl.col("side") == "exit_long")
            .then(pl.format("passed the entry screen {} ago: time is up", _age()))
            .otherwise(pl.format("passed the entry screen {} ago", _age()))
        )
        return held.with_columns(reason=reason)

    def _inputs(self) -> pl.Expr:
        names = [name for name in self.feature_columns if not name.endswith("_factor")]
        return pl.struct(*names, "rank").struct.json_encode().alias("inputs")


def _while_passing(rows: pl.DataFrame) -> pl.DataFrame:
    ordered = rows.with_columns(order=pl.col("session").rank("dense").cast(pl.Int32))
    before = ordered.filter(pl.col("rank").is_not_null()).select("symbol", pl.col("order") + 1, passed=True)
    joined = ordered.join(before, on=["symbol", "order"], how="left")
    passes = pl.col("rank").is_not_null()
    side = pl.when(passes).then(pl.lit("enter_long")).otherwise(pl.lit("exit_long"))
    reason = pl.when(passes).then(_ranked()).otherwise(pl.lit("does not pass the entry screen any more"))
    return joined.filter(passes | pl.col("passed")).with_columns(side=side, reason=reason)


def _ranked() -> pl.Expr:
    return pl.format("passes the entry screen, {} of {}", "rank", "matched")


def _age() -> pl.Expr:
    one = pl.when(pl.col("age") == 1).then(pl.lit("session")).otherwise(pl.lit("sessions"))
    return pl.format("{} {}", "age", one)


def _strength() -> pl.Expr:
    place = (pl.col("matched") + 1 - pl.col("rank")) / pl.col("matched")
    return (
        pl.when(pl.col("side") == "enter_long")
        .then(place)
        .when(pl.col("side") == "hold_long")
        .then(0.5)
        .otherwise(0.0)
        .alias("strength")
    )


@lru_cache(maxsize=64)
def _query(text: str) -> Query:
    from trading_assets.screener.english.parse import parse  # takes 0.1 s, and few plans have such a strategy
    from trading_assets.screener.presets import SCREENS

    if text in SCREENS:
        return SCREENS[text].query
    try:
        return parse(text)
    except NotUnderstoodError as error:
        if _NAME.fullmatch(text):
            raise ValueError(
                f"{text!r} is no sentence and no shipped screen. A strategy reads no database, so a screen that was saved is "
                f"given as text: `trading-assets screens show {text}` prints it"
            ) from error
        raise ValueError(f"not understood: {'; '.join(map(_told, error.problems))}") from error


def _told(problem: Problem) -> str:
    unsaid = [words for words in problem.suggestions if words not in problem.message]
    quoted = "" if problem.text in problem.message else f"{problem.text!r}: "
    return f"{quoted}{problem.message}{f' (for example: {unsaid[0]})' if unsaid else ''}"

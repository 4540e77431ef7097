"""Strategy contract: from feature rows to signal rows, one per (symbol, session) that the strategy has a view on."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from typing import ClassVar, Protocol

import polars as pl
from pydantic import BaseModel, ConfigDict

from trading_assets.errors import ConfigurationError, DataQualityError, StrategyError, TradingError

SIGNAL_SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "session": pl.Date(),
        "side": pl.String(),
        "strength": pl.Float64(),
        "reason": pl.String(),
        "inputs": pl.String(),
    }
)
"""Columns of signals as a strategy returns them; ``inputs`` is a JSON object of the values that decided."""

SIDES = ("enter_long", "hold_long", "exit_long")


class StrategyParameters(BaseModel):
    """Parameters of a strategy: frozen, unknown keys refused, every field with its unit in the description."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def identity(self) -> dict[str, object]:
        """Return what the hash is made of: the values, and whatever else a strategy's meaning depends on."""
        return self.model_dump(mode="json")


class Strategy(Protocol):
    """A pure function from features to signals, with parameters.

    ``signals`` gets the features of several sessions at once and returns rows of ``SIGNAL_SCHEMA``. A row of
    session S may depend on features of S and of the ``lookback_sessions`` market sessions before it, on nothing else: so a
    caller that wants session S passes S and that many earlier sessions, and keeps the rows of S.

    ``feature_columns`` are columns of ``daily_features``, or texts of ``universe`` such as ``sector``; ``signals`` sees them, ``symbol`` and ``session``, and nothing else. Both may be class variables,
    or properties where they depend on the parameters. The first line of the class's docstring is its description.

    What is held without a signal is sold, if the strategy named anything else in the session: name what is to be held.
    """

    name: ClassVar[str]

    @property
    def feature_columns(self) -> tuple[str, ...]: ...

    @property
    def lookback_sessions(self) -> int: ...

    @property
    def parameters(self) -> StrategyParameters: ...

    def signals(self, features: pl.DataFrame) -> pl.DataFrame: ...


def strategy_version(strategy: Strategy | type[Strategy]) -> str:
    """Hash the source code of the module that defines the strategy, and of what it uses of its own package.

    Returns
    -------
    str
        Twelve hexadecimal digits; the same on every platform (line endings do not count).
    """
    kind = strategy if inspect.isclass(strategy) else type(strategy)
    sources = (inspect.getsource(sys.modules[name]) for name in modules_of(kind.__module__))
    return _short_hash("\0".join(source.replace("\r\n", "\n") for source in sources))


def modules_of(name: str) -> list[str]:
    """Name a module, and those of its package whose classes and functions it uses, directly or through others."""
    package, found, left = name.rpartition(".")[0], {name}, [name]
    while left:
        used = {getattr(value, "__module__", None) for value in vars(sys.modules[left.pop()]).values()}
        new = {
            item for item in used if package and isinstance(item, str) and item.startswith(f"{package}.")
        } - found
        found |= new
        left += new
    return sorted(found)


def parameter_hash(parameters: StrategyParameters) -> str:
    """Hash the parameters, defaults included.

    Returns
    -------
    str
        Twelve hexadecimal digits; the order of the fields does not count.
    """
    return _short_hash(json.dumps(parameters.identity(), sort_keys=True))


def checked_signals(strategy: Strategy, features: pl.DataFrame) -> pl.DataFrame:
    """Run a strategy and refuse output that breaks the contract.

    Parameters
    ----------
    strategy
        The strategy with its parameters.
    features
        Rows of ``daily_features``, several sessions at once; the strategy is given the columns that it declares.

    Returns
    -------
    pl.DataFrame
        Rows of ``SIGNAL_SCHEMA``, sorted by (session, symbol). Look-ahead: as the strategy's; see ``checks.py``.

    Raises
    ------
    ConfigurationError
        If the features lack a column that the strategy declares.
    StrategyError
        If its code fails; names the strategy.
    DataQualityError
        If a row has an unknown side, a strength outside 0..1, a null, or a key that is twice there or not in the
        sessions given.
    """
    missing = [name for name in strategy.feature_columns if name not in features.columns]
    if missing:
        raise ConfigurationError(
            f"Strategy {strategy.name} needs features that are not there", missing=", ".join(missing)
        )
    rows = _said(strategy, features.select("symbol", "session", *strategy.feature_columns))
    if rows.schema != SIGNAL_SCHEMA:
        raise DataQualityError(f"Strategy {strategy.name} returned other columns", got=dict(rows.schema))
    broken = rows.filter(
        ~pl.col("side").is_in(SIDES)
        | ~pl.col("strength").is_between(0, 1)
        | pl.any_horizontal(pl.all().is_null())
        | pl.struct("symbol", "session").is_duplicated()
        | ~pl.col("session").is_in(features["session"].unique().implode())
    )
    if not broken.is_empty():
        raise DataQualityError(
            f"Strategy {strategy.name} returned rows that break the contract",
            rows=broken.height,
            first=broken.row(0),
        )
    return rows.sort("session", "symbol")


def _said(strategy: Strategy, features: pl.DataFrame) -> pl.DataFrame:
    try:
        rows: object = strategy.signals(features)
    except TradingError:
        raise
    except Exception as error:  # whatever the code of a plug-in raises
        message = f"Strategy {strategy.name} failed: {type(error).__name__}: {error}"
        raise StrategyError(message) from error
    if not isinstance(rows, pl.DataFrame):
        raise DataQualityError(
            f"Strategy {strategy.name} returned {type(rows).__name__}, not a polars DataFrame"
        )
    return rows


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]

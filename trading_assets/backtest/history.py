"""History: what every session of a range showed, as arrays; gives each decision the market that it would have been given live."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.books.bookings import Action
from trading_assets.decision.market import FEATURES, LOOK_BACK_SESSIONS, frozen_ahead, highest_close
from trading_assets.errors import DataQualityError
from trading_assets.features.seams import SILENCE
from trading_assets.indicators.kernel import FloatArray
from trading_assets.risk.targets import Market


@dataclass(frozen=True)
class MarketHistory:
    """Bars of a range and of the look-back before it; (sessions, symbols) arrays, NaN where a symbol has no accepted bar.

    Attributes
    ----------
    sessions, symbols
        In order.
    first
        Place of the first session that may be decided on; those before it are look-back.
    open_usd, close_usd, volume
        Raw; USD and shares.
    dollar_volume
        Mean of 20 sessions, USD.
    volatility
        ``volatility_20``, a year.
    atr
        ``atr_14``, USD.
    actions
        Corporate actions by place of the first session on or after their ex-date.
    restricted, blocked
        Symbols that get no new risk, with the reason, by place of the session; sessions on which nothing may be decided.
    scales
        By how much earlier prices must be divided to compare with those since, by symbol and ex-date.
    sector_codes, sectors
        Places in ``sectors``, as a (sessions, symbols) array; -1 where the sector is not known.
    """

    sessions: Sequence[date]
    symbols: Sequence[str]
    first: int
    open_usd: FloatArray
    close_usd: FloatArray
    volume: FloatArray
    dollar_volume: FloatArray
    volatility: FloatArray
    atr: FloatArray
    actions: Mapping[int, Sequence[Action]]
    restricted: Mapping[int, Mapping[str, str]]
    blocked: frozenset[int]
    places: Mapping[str, int]
    begun_anew: Mapping[int, frozenset[str]]
    scales: Mapping[str, Mapping[date, Fraction]]
    sector_codes: NDArray[np.int16]
    sectors: Sequence[str]

    @classmethod
    def of(
        cls,
        bars: pl.DataFrame,
        features: pl.DataFrame,
        actions: Sequence[Action],
        *,
        sessions: Sequence[date],
        start: date,
        restricted: Mapping[date, Mapping[str, str]] | None = None,
        blocked: Collection[date] = (),
        listed: pl.DataFrame | None = None,
    ) -> MarketHistory:
        """Lay out what the lake has.

        Parameters
        ----------
        bars
            ``symbol``, ``session``, raw ``open``, ``close`` and ``volume``; one row per key, in any order.
        features
            ``symbol``, ``session``, and what a decision reads of the features (``decision.market.FEATURES``).
        actions
            With ex-dates from the first session to a few days after the last one.
        sessions
            All exchange sessions of the range and its look-back, in order.
        start
            First session to decide on.
        restricted
            Symbols that get no new risk, with the reason, by session.
        blocked
            Sessions on which nothing may be decided.
        listed
            ``symbol``, ``session`` and ``sector`` of the listings.
        """
        named = {action.symbol for action in actions} | {action.new_symbol or "" for action in actions}
        symbols = sorted({*bars["symbol"].unique(), *named} - {""})
        places = {symbol: place for place, symbol in enumerate(symbols)}
        shape = (len(sessions), len(symbols))
        rows, columns = _positions(bars, sessions, symbols)
        dense = {name: _spread(shape, rows, columns, bars[name]) for name in ("open", "close", "volume")}
        at, of = _positions(features, sessions, symbols)
        dense |= {name: _spread(shape, at, of, features[name]) for name in FEATURES}
        by_place: dict[int, list[Action]] = {}
        for action in sorted(actions, key=lambda item: (item.ex_date, item.symbol, item.kind)):
            by_place.setdefault(bisect_left(sessions, action.ex_date), []).append(action)
        at_day = {day: place for place, day in enumerate(sessions)}
        told = {at_day[day]: reasons for day, reasons in (restricted or {}).items() if day in at_day}
        return cls(
            sessions, symbols, sessions.index(start), dense["open"], dense["close"], dense["volume"],
            dense["dollar_volume_20"], dense["volatility_20"], dense["atr_14"], by_place, told,
            frozenset(at_day[day] for day in blocked if day in at_day), places,
            _begun_anew(dense["close"], sessions, symbols), _scales(actions),
            *_sectors(listed, sessions, symbols),
        )  # fmt: skip

    def place_of(self, day: date) -> int:
        """Return the place of the first session on or after a day."""
        return bisect_left(self.sessions, day)

    def highest_close(self, symbol: str, first: int, last: int) -> Decimal | None:
        """Return the highest close between two places, in the scale of the last one; see `decision.market.highest_close`."""
        if symbol not in self.places:
            return None
        days = self.sessions[first : last + 1]
        scale = [item for item in self.scales.get(symbol, {}).items() if item[0] <= self.sessions[last]]
        return highest_close(days, self.close_usd[first : last + 1, self.places[symbol]], scale)

    def shown(self, place: int, symbols: Collection[str], last_close: FloatArray) -> Market:
        """Return what the session at ``place`` showed of some symbols.

        ``last_close`` are the last accepted closes by symbol, in the scale of the session, NaN where there is none within the
        look-back. Look-ahead: the session's close, and what is announced to happen before the next session's.
        """
        wanted = set(symbols)
        names = [symbol for symbol in wanted if symbol in self.places]
        at = np.fromiter((self.places[symbol] for symbol in names), dtype=np.intp, count=len(names))
        ahead = [action for action in self.actions.get(place + 1, ()) if action.symbol in wanted]
        return Market(
            last_close=_known(last_close[at], names),
            traded=frozenset(_known(self.close_usd[place, at], names)),
            dollar_volume=_known(self.dollar_volume[place, at], names),
            volatility=_known(self.volatility[place, at], names),
            atr=_known(self.atr[place, at], names),
            sector=self._sector(place, names, at),
            restricted={name: why for name, why in self.restricted.get(place, {}).items() if name in wanted},
            frozen=frozen_ahead(ahead),
            begun_anew=self.begun_anew.get(place, frozenset()) & wanted,
        )

    def _sector(self, place: int, names: Sequence[str], at: NDArray[np.intp]) -> dict[str, str]:
        if not self.sectors:
            return {}
        codes = self.sector_codes[place, at].tolist()
        return {name: self.sectors[code] for name, code in zip(names, codes, strict=True) if code >= 0}


def _known(values: FloatArray, names: Sequence[str]) -> dict[str, float]:
    return {name: value for name, value in zip(names, values.tolist(), strict=True) if value == value}  # noqa: PLR0124 - false for NaN


def _positions(
    frame: pl.DataFrame, sessions: Sequence[date], symbols: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    days = np.array(sessions, dtype="datetime64[D]").astype(np.int64)
    asked = frame["session"].cast(pl.Date).to_physical().to_numpy()
    rows = np.searchsorted(days, asked)
    if len(rows) and (days[np.minimum(rows, len(days) - 1)] != asked).any():
        raise DataQualityError("A backtest's rows must be of the sessions that it is given")
    order = pl.Enum(symbols) if symbols else pl.Enum([""])
    columns = frame["symbol"].cast(order, strict=False).to_physical()
    return rows.astype(np.int64), columns.fill_null(-1).cast(pl.Int64).to_numpy() if len(columns) else np.empty(0, np.int64)  # fmt: skip


def _spread(
    shape: tuple[int, int], rows: NDArray[np.int64], columns: NDArray[np.int64], values: pl.Series
) -> FloatArray:
    dense = np.full(shape, np.nan)
    kept = columns >= 0
    dense[rows[kept], columns[kept]] = values.cast(pl.Float64).to_numpy()[kept]
    return dense


def _sectors(
    listed: pl.DataFrame | None, sessions: Sequence[date], symbols: Sequence[str]
) -> tuple[NDArray[np.int16], list[str]]:
    if listed is None:
        return np.empty((0, 0), dtype=np.int16), []
    rows = listed.filter(pl.col("session").is_in(list(sessions))).drop_nulls("sector")
    names = sorted(rows["sector"].unique())
    codes = rows["sector"].cast(pl.Enum(names)).to_physical() if names else pl.Series([], dtype=pl.Int64)
    at, of = _positions(rows, sessions, symbols)
    dense = _spread((len(sessions), len(symbols)), at, of, codes)
    return np.nan_to_num(dense, nan=-1.0).astype(np.int16), names


def _scales(actions: Sequence[Action]) -> dict[str, dict[date, Fraction]]:
    scales: dict[str, dict[date, Fraction]] = {}
    for action in sorted(actions, key=lambda item: item.ex_date):
        if ratio := action.price_ratio:
            scales.setdefault(action.symbol, {}).setdefault(action.ex_date, ratio)
    return scales


def _begun_anew(
    close: FloatArray, sessions: Sequence[date], symbols: Sequence[str]
) -> dict[int, frozenset[str]]:
    """Return, by place, the symbols that went on after a long silence in the look-back before it."""
    days = np.array(sessions, dtype="datetime64[D]").astype(np.int64)
    found: dict[int, set[str]] = {}
    for column, symbol in enumerate(symbols):
        there = np.flatnonzero(~np.isnan(close[:, column]))
        for place in there[1:][np.diff(days[there]) > SILENCE.days]:
            for later in range(int(place), min(int(place) + LOOK_BACK_SESSIONS + 1, len(sessions))):
                found.setdefault(later, set()).add(symbol)
    return {place: frozenset(names) for place, names in found.items()}

"""How vendors' daily rows differ without anybody being wrong: late corrections, sources of volume, feeds.

Everything follows from the vendor, the symbol and the day. A vendor corrects about one bar in 1,500 one to three
sessions later: its volume, and one time in ten its close. Alpaca's consolidated volume differs by up to 0.2 % from
the others'; its IEX feed sees one exchange only: two percent of the volume, and a last trade of its own.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trading_assets.sessions import is_session, shift
from trading_assets.simulator.market.tape import Rows, day_number, day_of

Hashes = NDArray[np.uint64]

ONE_CORRECTED_IN = 1500
LONGEST_WAIT_SESSIONS = 3
_LONGEST_WAIT_DAYS = 9
VOLUME_SPREAD = 0.002
IEX_VOLUME_FRAC = 0.02
_IEX_REACH = 0.12
"""How far the last IEX trade lies from the close at most, as a part of the day's range."""


@lru_cache(maxsize=4)
def name_hashes(symbols: tuple[str, ...]) -> Hashes:
    """Return one number a symbol, the same in every market that has it."""
    return np.array([zlib.crc32(symbol.encode()) for symbol in symbols], np.uint64)


def as_first_reported(rows: Rows, names: Hashes, vendor: str, published: int) -> Rows:
    """Return rows with the mistakes that the vendor has not corrected by day number ``published``."""
    recent = np.flatnonzero(rows.day > published - _LONGEST_WAIT_DAYS)
    if len(recent) == 0:
        return rows
    draw = _draws(rows.place[recent], rows.day[recent], names, f"correction {vendor}")
    chosen = recent[draw % np.uint64(ONE_CORRECTED_IN) == 0]
    if len(chosen) == 0:
        return rows
    volume, close = rows.volume.copy(), rows.close.copy()
    for number, drawn in zip(chosen.tolist(), draw[np.searchsorted(recent, chosen)].tolist(), strict=True):
        session = day_of(int(rows.day[number]))
        wait = 1 + (drawn >> 20) % LONGEST_WAIT_SESSIONS
        if is_session(session) and published < day_number(shift(session, wait)):
            volume[number] = np.rint(volume[number] * (0.90 + 0.08 * ((drawn >> 28) % 1000) / 1000))
            if (drawn >> 40) % 10 == 0:
                moved = close[number] * (1.0 + 0.003 * (((drawn >> 44) % 1000) / 500 - 1.0))
                close[number] = round(min(max(moved, rows.low[number]), rows.high[number]), 2)
    return rows._replace(volume=volume, close=close)


def consolidated_at_alpaca(rows: Rows, names: Hashes) -> Rows:
    """Return rows with Alpaca's count of the consolidated volume."""
    part = _fraction(_draws(rows.place, rows.day, names, "sip"))
    return rows._replace(volume=np.rint(rows.volume * (1.0 + VOLUME_SPREAD * (2.0 * part - 1.0))))


def seen_by_iex(rows: Rows, names: Hashes) -> Rows:
    """Return rows as one small exchange saw them: inside the day's range, on little volume."""
    draw = _draws(rows.place, rows.day, names, "iex")
    spread = rows.high - rows.low
    moves = [_IEX_REACH * _fraction(draw >> np.uint64(bits)) * spread for bits in (0, 12, 24, 36)]
    tick = np.where(rows.close >= 1.0, 100.0, 10_000.0)
    high, low = (
        np.rint(value * tick) / tick for value in (rows.high - moves[0] / 4, rows.low + moves[1] / 4)
    )
    high, low = np.maximum(high, low), np.minimum(high, low)
    opened = np.rint((rows.open + moves[2] - _IEX_REACH * spread / 2) * tick) / tick
    close = np.rint((rows.close + moves[3] - _IEX_REACH * spread / 2) * tick) / tick
    part = IEX_VOLUME_FRAC * (0.7 + 0.6 * _fraction(draw))
    return rows._replace(
        open=np.clip(opened, low, high),
        high=high,
        low=low,
        close=np.clip(close, low, high),
        volume=np.maximum(np.rint(rows.volume * part), np.minimum(rows.volume, 1.0)),
    )


def _draws(place: NDArray[np.int32], day: NDArray[np.int32], names: Hashes, purpose: str) -> Hashes:
    state = names[place] * np.uint64(0x9E3779B97F4A7C15) + day.astype(np.uint64) * np.uint64(
        0xBF58476D1CE4E5B9
    )
    state += np.uint64(zlib.crc32(purpose.encode()))
    for turn in (30, 27):
        state = (state ^ (state >> np.uint64(turn))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = state ^ (state >> np.uint64(31))
    return mixed


def _fraction(draw: Hashes) -> NDArray[np.float64]:
    part: NDArray[np.float64] = (draw & np.uint64(0xFFFFF)).astype(np.float64) / 2.0**20
    return part

"""Events of synthetic companies, a block at a time: spin-offs, ticker changes, ends of listings, halts.

Everything is drawn from the seed with random numbers of its own. The other company of an event always stands before
this one in the block, so that it is there however many symbols the market has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from trading_assets.sessions import NEW_YORK, next_session, session_close, session_open, sessions_between
from trading_assets.simulator.market.synthetic_draws import BLOCK, FIRST_YEAR, NEVER, YEARS, Block
from trading_assets.simulator.market.tape import Floats, day_number, day_of

SPIN_OFF_CHANCE = 0.35
TICKER_CHANGE_CHANCE = 0.10
HALTS_A_YEAR = 0.012
"""Of one company; one halt in four lasts the whole session."""
COLLAPSE_SLOTS = 15
COLLAPSE_LOG = 3.0
"""A company that ends worthless loses 95 % of its price over its last three weeks."""
_REMOVALS = (
    ("cash_merger", 0.55),
    ("stock_merger", 0.75),
    ("stock_and_cash_merger", 0.88),
    ("worthless_removal", 1.0),
)
_MARGIN_DAYS = 10
_HALT_SHORTEST, _HALT_LONGEST = 5 * 60, 120 * 60


@dataclass(frozen=True)
class SpinOff:
    """Company ``child`` leaves ``parent``; so much of the parent's worth goes with it."""

    parent: int
    child: int
    ex_day: int
    worth_frac: float


@dataclass(frozen=True)
class Removal:
    """The end of a listing: last day of trading, and why; ``acquirer`` where shares of it are paid."""

    column: int
    kind: str
    last_day: int
    acquirer: int | None


@dataclass(frozen=True)
class Events:
    """Events of one block. ``renamed`` is the first day under the present ticker by company."""

    spin_offs: tuple[SpinOff, ...]
    removals: tuple[Removal, ...]
    renamed: dict[int, int]
    spin_scale: Floats
    spin_slot: NDArray[np.int64]
    spin_kept: Floats


@dataclass(frozen=True)
class Halt:
    """A pause of one company's trading, in seconds since midnight; ``is_whole`` if nothing trades that day."""

    column: int
    day: int
    start: int
    end: int
    is_whole: bool


def draw_events(seed: int, number: int, block: Block, last_day: int) -> Events:
    """Draw the events of block ``number`` up to the last day of the calendar; funds have none."""
    rng = np.random.default_rng([seed, 7, number])
    width = 0 if block.is_fund else len(block.symbols)
    chance, partner, ratio = rng.random((3, BLOCK)), rng.integers(1, 2**31, (2, BLOCK)), rng.random(BLOCK)
    rename_day = rng.integers(day_number(date(FIRST_YEAR, 6, 1)), day_number(date(2028, 1, 1)), BLOCK)
    pairs = ((parent, int(partner[0, parent]) % parent) for parent in range(1, width))
    wanted = [pair for pair in pairs if chance[0, pair[0]] <= SPIN_OFF_CHANCE]
    chosen = list(_spin_offs(block, wanted))
    acquirers = {c: _acquirer(block, c, int(partner[1, c])) for c in range(width)}
    # decided for all time and then cut, so that a calendar that goes on changes nothing that was
    spin_offs = tuple(
        _spin_off(parent, child, int(block.listed[child]), float(ratio[parent]))
        for parent, child in chosen
        if block.listed[child] < last_day - _MARGIN_DAYS
    )
    ends = (c for c in range(width) if block.delisted[c] < last_day - _MARGIN_DAYS)
    removals = tuple(_removal(c, int(block.delisted[c]), float(chance[1, c]), acquirers[c]) for c in ends)
    renamed = {}
    for c in range(width):
        day = int(rename_day[c])
        lives = block.listed[c] + 300 < day < block.delisted[c] - 60 and day < last_day - _MARGIN_DAYS
        if chance[2, c] < TICKER_CHANGE_CHANCE and lives:
            renamed[c] = _session_at(day)
    shape = (len(block.symbols), YEARS)
    scale, slot, kept = np.ones(shape), np.full(shape, 10**6), np.ones(shape)
    for event in spin_offs:
        y = day_of(event.ex_day).year - FIRST_YEAR
        slot[event.parent, y] = slot_of(event.ex_day)
        kept[event.parent, y] = 1.0 - event.worth_frac
        scale[event.parent, y + 1 :] *= 1.0 - event.worth_frac
    return Events(spin_offs, removals, renamed, scale, slot, kept)


def draw_halts(seed: int, number: int, block: Block, events: Events, year: int) -> list[Halt]:
    """Draw the halts of one block in one year; none where a company has another event in that year."""
    rng = np.random.default_rng([seed, 9, number, year])
    count = int(rng.poisson(BLOCK * HALTS_A_YEAR))
    columns, slots = rng.integers(0, BLOCK, count), rng.integers(10, 255, count)
    parts, is_whole = rng.random((2, count)), rng.random(count) < 0.25
    sessions = sessions_between(date(year, 1, 1), date(year, 12, 31))
    busy = _busy(block, events, year)
    found = []
    for n in range(count):
        c, slot = int(columns[n]), min(int(slots[n]), len(sessions) - 1)
        if block.is_fund or c >= len(block.symbols) or c in busy:
            continue
        opened, closed = (
            bound(sessions[slot]).astimezone(NEW_YORK) for bound in (session_open, session_close)
        )
        begin, end = (at.hour * 3600 + at.minute * 60 for at in (opened, closed))
        if not is_whole[n]:
            begin += 60 * int(parts[0, n] * (end - begin - _HALT_LONGEST - 3600) / 60 + 30)
            end = begin + 60 * int((_HALT_SHORTEST + parts[1, n] * (_HALT_LONGEST - _HALT_SHORTEST)) / 60)
        found.append(Halt(c, day_number(sessions[slot]), begin, end, bool(is_whole[n])))
    return found


def old_tickers(blocks: Sequence[Block], events: Sequence[Events]) -> dict[tuple[int, int], str]:
    """Return the ticker before the change by (block, company): five letters, which no present ticker has."""
    taken: set[str] = set()
    found = {}
    for b, (block, drawn) in enumerate(zip(blocks, events, strict=True)):
        for c in sorted(drawn.renamed):
            letters = "".join(letter for letter in block.names[c].upper() if "A" <= letter <= "Z")
            candidate, number = (letters + "XXXX")[:5], 0
            while candidate in taken:
                candidate = candidate[:3] + chr(65 + number // 26 % 26) + chr(65 + number % 26)
                number += 1
            taken.add(candidate)
            found[b, c] = candidate
    return found


def slot_of(day: int) -> int:
    """Return the place of a day number among the weekdays of its year."""
    first = day_number(date(day_of(day).year, 1, 1))
    return int(np.busday_count(day_of(first), day_of(day)))


def _session_at(day: int) -> int:
    # the first session on or after a day
    return day_number(next_session(day_of(day - 1)))


def _spin_offs(block: Block, wanted: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    # parent and child: one listed long before the other, neither part of two such events
    taken: set[int] = set()
    beginning = day_number(date(FIRST_YEAR, 6, 1))
    for parent, child in wanted:
        listed = int(block.listed[child])
        lives = block.listed[parent] + 300 < listed < block.delisted[parent] - 60
        if {parent, child} & taken or listed < beginning or not lives:
            continue
        y = day_of(listed + _MARGIN_DAYS).year - FIRST_YEAR
        splits = block.split_ratio[[parent, child], y - 1 : y + 1]
        if (splits == 1.0).all():
            taken |= {parent, child}
            yield parent, child


def _spin_off(parent: int, child: int, listed: int, fraction: float) -> SpinOff:
    # a ratio of three decimals: one vendor tells spin-offs as splits of 1324 for 1000
    told = round(1.03 + 0.42 * fraction, 3)
    return SpinOff(parent, child, _session_at(listed), 1.0 - 1.0 / told)


def _acquirer(block: Block, c: int, pick: int) -> int | None:
    if c == 0 or block.delisted[c] == NEVER:
        return None
    other, gone = pick % c, block.delisted[c]
    return other if block.listed[other] + 30 < gone < block.delisted[other] - 30 else None


def _removal(c: int, gone: int, chance: float, acquirer: int | None) -> Removal:
    last = day_number(sessions_between(day_of(gone - _MARGIN_DAYS), day_of(gone))[-1])
    kind = next(name for name, bound in _REMOVALS if chance < bound)
    pays_shares = kind.startswith("stock")
    if (pays_shares and acquirer is None) or (kind == "worthless_removal" and slot_of(last) < COLLAPSE_SLOTS):
        return Removal(c, "cash_merger", last, None)
    return Removal(c, kind, last, acquirer if pays_shares else None)


def _busy(block: Block, events: Events, year: int) -> set[int]:
    y = year - FIRST_YEAR
    busy = set(np.flatnonzero(block.split_ratio[:, y] != 1.0).tolist())
    days = [
        *((e.parent, e.ex_day) for e in events.spin_offs),
        *((e.child, e.ex_day) for e in events.spin_offs),
    ]
    days += [(e.column, e.last_day) for e in events.removals] + list(events.renamed.items())
    days += [(c, int(day)) for c, day in enumerate(block.listed.tolist())]
    return busy | {c for c, day in days if day_of(day).year in {year, year - 1}}

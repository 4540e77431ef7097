"""The simulator's clock that is behind: it stands, joins the present once, and is where it was after a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trading_assets.simulator.assembly import Options, assemble
from trading_assets.simulator.clock import ClockMode, SimulationClock
from trading_assets.simulator.state import StateStore

BEGIN = datetime(2024, 4, 29, 20, 30, tzinfo=UTC)
PRESENT = datetime(2024, 5, 3, 3, tzinfo=UTC)
MACHINE = datetime(2024, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., object]:
    @contextmanager
    def opened(mode: ClockMode = ClockMode.CATCHING_UP, **options: object) -> Iterator[SimulationClock]:
        with closing(StateStore(tmp_path)) as store:
            yield SimulationClock(mode, store, start=BEGIN, machine=lambda: MACHINE, **options)

    return opened


def test_a_clock_that_catches_up_stands_until_it_is_moved(opened) -> None:
    with opened() as clock:
        assert clock.now() == BEGIN
        assert clock.advance_to(BEGIN + DAY)
        assert not clock.advance_to(BEGIN)
    with opened() as clock:
        assert clock.now() == BEGIN + DAY, "a restart goes on from there"


@pytest.mark.parametrize(
    ("present", "mode", "now"), [(None, ClockMode.REAL, MACHINE), (PRESENT, ClockMode.FIXED, PRESENT)]
)
def test_it_joins_the_present_and_never_goes_back(opened, present, mode, now) -> None:
    with opened(present=present) as clock:
        clock.join_the_present()
        assert (clock.mode, clock.now()) == (mode, now)
        clock.advance_to(now + DAY)
        clock.join_the_present()
        assert clock.now() == now + DAY


def test_joining_changes_no_other_clock(opened) -> None:
    with opened(ClockMode.FIXED) as clock:
        clock.join_the_present()
        assert (clock.mode, clock.now()) == (ClockMode.FIXED, BEGIN)


def test_only_a_new_market_begins_behind_the_present(tmp_path: Path) -> None:
    options = Options(tmp_path, symbols=3, years=0.2, at=PRESENT)

    def clock_of(begin: datetime | None, *, joins: bool = False) -> tuple[ClockMode, datetime]:
        with closing(StateStore(tmp_path)) as store:
            clock = assemble(Options(**{**vars(options), "begin": begin}), store).clock
            if joins:
                clock.join_the_present()
            return clock.mode, clock.now()

    assert clock_of(BEGIN) == (ClockMode.CATCHING_UP, BEGIN)
    assert clock_of(None) == (ClockMode.CATCHING_UP, BEGIN), "as whoever needs it next starts it"
    assert clock_of(None, joins=True) == (ClockMode.FIXED, PRESENT)
    assert clock_of(BEGIN) == (ClockMode.FIXED, PRESENT)

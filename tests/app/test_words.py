"""The words of the app: freshness against the calendar, numbers with signs, instants with zones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app import formatting
from app.freshness import judge, table_status


@pytest.mark.parametrize(
    ("latest", "level", "words"),
    [
        (date(2024, 5, 24), "green", "Data current: Fri 24 May 2024"),
        (date(2024, 5, 23), "orange", "Data 1 session behind: Thu 23 May 2024"),
        (date(2024, 5, 17), "red", "Data 5 sessions behind: Fri 17 May 2024"),
        (None, "red", "No market data"),
    ],
)
def test_freshness_counts_sessions_not_days(latest, level, words):
    verdict = judge(latest, date(2024, 5, 24))
    assert (verdict.level, verdict.words) == (level, words)


def test_data_of_friday_are_current_over_a_long_weekend():
    from trading_assets.sessions import latest_closed_session

    memorial_day = datetime(2024, 5, 27, 20, tzinfo=UTC)
    assert judge(date(2024, 5, 24), latest_closed_session(memorial_day)).level == "green"


@pytest.mark.parametrize(
    ("value", "words"),
    [(1234.5, "▲ +1,234.50"), (-3.0, "▼ -3.00"), (0.0, "0.00"), (None, "n/a"), (float("nan"), "n/a")],
)
def test_gains_and_losses_have_a_sign_and_an_arrow(value, words):
    assert formatting.change_usd(value) == words


def test_values_are_written_in_their_units():
    assert formatting.usd(Decimal("-1234.5")) == "-$1,234.50"
    assert formatting.change_frac(-0.0125) == "▼ -1.25 %"
    assert formatting.signed_usd(12.5) == "+$12.50"
    assert formatting.signed_usd(-1234.5) == "-$1,234"
    assert formatting.quantity(0.25, "fraction per year") == "25.00 % per year"
    assert formatting.quantity(1234567.0, "shares") == "1,234,567"
    assert formatting.quantity(None, "USD") == "n/a"
    assert formatting.size(1_234_567) == "1.2 MB"


def test_instants_carry_their_zone():
    instant = datetime(2024, 5, 6, 14, 32, tzinfo=UTC)
    assert formatting.instant(instant, ZoneInfo("America/Chicago")) == "2024-05-06 09:32 CDT"


@pytest.mark.parametrize(
    ("share", "words"),
    [(1.0, "100.00 %"), (1 - 1e-7, "99.99 %"), (0.99999, "99.99 %"), (0.0, "0.00 %"), (None, "n/a")],
)
def test_only_what_is_whole_reads_a_hundred_percent(share, words):
    assert formatting.share_down(share) == words


def test_a_large_amount_is_written_in_its_largest_unit():
    assert formatting.large_usd(463_230_000_000) == "$463.23 B"
    assert formatting.large_usd(-1_500) == "-$1.50 k"
    assert formatting.large_usd(None) == "n/a"


@pytest.mark.parametrize(
    ("latest", "rhythm", "status"),
    [
        (date(2024, 5, 6), "session", "fresh"), (date(2024, 5, 3), "session", "late"), (date(2024, 5, 2), "session", "stale"),
        (None, "session", "never"), (date(2024, 4, 29), "week", "fresh"), (date(2024, 4, 26), "week", "late"),
        (date(2024, 4, 19), "week", "stale"), (None, "event", "as it happens"),
    ],
)  # fmt: skip
def test_a_table_is_judged_by_the_sessions_it_lacks(latest, rhythm, status):
    assert table_status(latest, date(2024, 5, 6), rhythm) == status

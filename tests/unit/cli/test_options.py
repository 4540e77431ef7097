"""What options of commands are read as, and what wrong ones are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from resources.clock import SystemClock
from trading_assets.cli.options import parse_instant
from trading_assets.errors import ConfigurationError


@pytest.mark.parametrize(("text", "days"), [("7 days ago", 7), ("1 day ago", 1)])
def test_days_ago_are_counted_from_now(text: str, days: int) -> None:
    before = SystemClock().now()
    then = parse_instant(text) + timedelta(days=days)
    assert before <= then <= SystemClock().now()


def test_an_instant_needs_a_zone_and_is_told_by_its_option() -> None:
    assert parse_instant("2024-05-02T18:00-04:00") == datetime(2024, 5, 2, 22, tzinfo=UTC)
    with pytest.raises(ConfigurationError, match="--at needs a zone"):
        parse_instant("2024-05-02T18:00", "--at")
    for text in ("yesterday", "x days ago", "-7 days ago", ""):
        with pytest.raises(ConfigurationError, match="--as-of must be an instant"):
            parse_instant(text)

"""What a failed run says: the error that explains, not what caused it deep inside a library."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from trading_assets.errors import ConfigurationError, TradingError, VendorDataError
from trading_assets.runs import failures


def failure_of(raising):
    @dg.asset
    def sick():
        raising()

    return failures.failure_of(dg.materialize([sick], raise_on_error=False))


def cut_short():
    try:
        json.loads('{"bars": [')
    except json.JSONDecodeError as error:
        raise VendorDataError("Not JSON, or cut short", vendor="alpaca") from error


def wrong_setting():
    try:
        int("x")
    except ValueError as error:
        raise ConfigurationError("TRADING_X must be a number") from error


def stranger():
    try:
        json.loads("{")
    except json.JSONDecodeError as error:
        raise RuntimeError("outside") from error


@pytest.mark.parametrize(
    ("raising", "kind", "words"),
    [
        (cut_short, TradingError, "VendorDataError: Not JSON, or cut short (vendor=alpaca)"),
        (wrong_setting, ConfigurationError, "TRADING_X must be a number"),
        (stranger, TradingError, "JSONDecodeError"),
    ],
    ids=["vendor", "setting", "stranger"],
)
def test_a_failed_asset_tells_our_own_error_before_the_cause_inside_a_library(raising, kind, words):
    failure = failure_of(raising)
    assert type(failure) is kind
    assert "Asset sick failed" in str(failure)
    assert words in str(failure)
    assert "the same command goes on" in str(failure)

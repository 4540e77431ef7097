"""The examinations of `doctor`: one finding each, with what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from trading_assets.errors import TradingError

if TYPE_CHECKING:
    from resources.platform import Platform
    from trading_assets.settings import SourceName

SHOWN_PACKAGES = ("dagster", "polars", "duckdb", "streamlit", "alpaca-py", "polygon-api-client", "yfinance")


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    subject: str
    verdict: Literal["pass", "warn", "fail"]
    detail: str
    mend: str = ""


def examine() -> Iterator[Finding]:
    """Yield one finding after the other; a broken configuration ends it, because nothing else can be judged."""
    from trading_assets.settings import load_settings

    yield Finding(
        "versions",
        "pass",
        f"Python {sys.version.split()[0]}, "
        + ", ".join(f"{name} {version(name)}" for name in SHOWN_PACKAGES),
    )
    try:
        settings = load_settings()
    except TradingError as error:
        yield Finding(
            "configuration",
            "fail",
            str(error),
            "correct the environment or .env; .env.example lists every key",
        )
        return
    yield Finding(
        "configuration",
        "pass",
        f"mode {settings.mode}, data in {settings.data}, sources {', '.join(settings.sources)}",
    )
    keys = {
        "ALPACA_API_KEY": settings.alpaca_api_key,
        "ALPACA_SECRET_KEY": settings.alpaca_secret_key,
        "POLYGON_API_KEY": settings.polygon_api_key,
    }
    missing = [name for name, value in keys.items() if value is None]
    if settings.mode == "sim":
        yield Finding("keys", "pass", "none needed in sim mode")
    elif missing:
        yield Finding("keys", "fail", f"missing: {', '.join(missing)}", "set them in .env")
    else:
        yield Finding("keys", "pass", "all present (never shown)")
    settings.data.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.data).free / 2**30
    yield Finding(
        "disk",
        "pass" if free > 5 else "warn" if free > 1 else "fail",
        f"{free:.1f} GiB free",
        "" if free > 5 else "free some space: two years of 7,000 symbols need about 2 GiB",
    )
    yield from _running(settings)


def _running(settings: object) -> Iterator[Finding]:
    from resources.platform import open_platform
    from trading_assets import sessions as calendar
    from trading_assets.settings import Settings

    assert isinstance(settings, Settings)  # noqa: S101 (narrows for the type checker; the caller built it)
    stack = ExitStack()
    try:
        platform = stack.enter_context(open_platform(settings))
    except TradingError as error:
        yield Finding(
            "services",
            "fail",
            str(error),
            "see the logs in the data folder; `trading-assets up` starts what is missing",
        )
        return
    with stack:
        server = platform.database.fetch_polars("show server_version")["server_version"][0]
        yield Finding("postgres", "pass", f"PostgreSQL {server}, schema up to date")
        now = platform.clock.now()
        last = calendar.calendar().last_session.date()
        enough = last > (now + timedelta(days=30)).date()
        yield Finding(
            "calendar",
            "pass" if enough else "fail",
            f"XNYS known to {last}",
            "" if enough else "update exchange-calendars",
        )
        probes: list[tuple[str, Callable[[], str]]] = [
            (
                "broker",
                lambda: f"account {platform.account}, equity {platform.broker.account().equity_usd:,.2f} USD",
            ),
            (
                "clock",
                lambda: (
                    f"{now.astimezone(settings.zone):%Y-%m-%d %H:%M:%S %Z}"
                    + (" (the simulator's)" if settings.mode == "sim" else "")
                ),
            ),
        ]
        session = calendar.latest_closed_session(now, delay=timedelta(minutes=settings.data_delay_minutes))
        probes += [(name, _bars_probe(platform, name, session)) for name in settings.sources]
        for subject, probe in probes:
            try:
                yield Finding(subject, "pass", probe())
            except TradingError as error:
                yield Finding(subject, "fail", str(error), "check the keys, the plan and the network")


def _bars_probe(platform: Platform, name: SourceName, session: date) -> Callable[[], str]:
    def probe() -> str:
        source = platform.bar_sources[name]
        return f"{source.daily_bars([session], ['SPY', 'AAPL']).frame.height:,} bars of {session}"

    return probe

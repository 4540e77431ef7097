"""The examinations of `doctor`: one finding each, with what to do about it."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trading_assets import sessions as calendar
from trading_assets.errors import TradingError

if TYPE_CHECKING:
    from resources.platform import Platform
    from trading_assets.settings import Settings

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
    from resources.local_services import data_folder
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
    yield _keys(settings)
    yield _quality(settings)
    yield _strategies(settings)
    free = shutil.disk_usage(data_folder(settings)).free / 2**30
    yield Finding(
        "disk",
        "pass" if free > 5 else "warn" if free > 1 else "fail",
        f"{free:.1f} GiB free",
        "" if free > 5 else "free some space: two years of 7,000 symbols need about 2 GiB",
    )
    yield files_of(data_folder(settings))
    yield from _running(settings)


def files_of(folder: Path) -> Finding:
    """Say whether others than its user can read or write the data folder, as one that was made beforehand may let them."""
    mode = folder.stat().st_mode
    # who may only pass through, as Postgres' account under root does, meets files that are closed
    if os.name == "nt" or not mode & 0o066:
        return Finding("files", "pass", "the data folder is for its user alone")
    return Finding(
        "files",
        "warn",
        f"other accounts can look into the data folder, where the books are ({stat.filemode(mode)})",
        f"chmod go-rw '{folder}'",
    )


def _strategies(settings: Settings) -> Finding:
    from trading_assets.research.plan_in_force import load_plan

    try:
        plan = load_plan(settings.strategies)
    except TradingError as error:
        return Finding("strategies", "fail", str(error), "correct the file that TRADING_STRATEGIES names")
    where = str(settings.strategies) if settings.strategies else "the shipped plan"
    return Finding("strategies", "pass", f"{', '.join(plan.names)} by {where}")


def _quality(settings: Settings) -> Finding:
    from trading_assets.market_data.thresholds import load_thresholds

    try:
        limits = load_thresholds(settings.quality)
    except TradingError as error:
        return Finding("quality", "fail", str(error), "correct the file that TRADING_QUALITY names")
    where = str(settings.quality) if settings.quality else "the defaults"
    if limits.warn_only:
        told = f"{', '.join(sorted(limits.warn_only))} block nothing (warn_only in {where})"
        return Finding("quality", "warn", told, "take them out of warn_only as soon as you can")
    return Finding("quality", "pass", f"every check blocks that should; thresholds from {where}")


def _keys(settings: Settings) -> Finding:
    wanted = {"ALPACA_API_KEY": settings.alpaca_api_key, "ALPACA_SECRET_KEY": settings.alpaca_secret_key}
    if "polygon" in settings.sources:
        wanted["POLYGON_API_KEY"] = settings.polygon_api_key
    missing = [name for name, value in wanted.items() if value is None]
    if settings.mode == "sim":
        return Finding("keys", "pass", "none needed in sim mode")
    if missing:
        return Finding("keys", "fail", f"missing: {', '.join(missing)}", "set them in .env")
    return Finding("keys", "pass", "all present (never shown)")


def _running(settings: Settings) -> Iterator[Finding]:
    from resources.clock import SystemClock
    from resources.platform import open_platform

    with ExitStack() as stack:
        platform: Platform | None = None
        try:
            platform = stack.enter_context(open_platform(settings))
        except TradingError as error:
            yield Finding(
                "services",
                "fail",
                str(error),
                "see the logs in the data folder; `trading-assets up` starts what is missing",
            )
        if platform is not None:
            server = platform.database.fetch_polars("show server_version")["server_version"][0]
            yield Finding("postgres", "pass", f"PostgreSQL {server}, schema up to date")
        elif settings.mode == "sim":
            return  # every source is the simulator, which may be what did not start
        now = platform.clock.now() if platform else SystemClock().now()
        yield _calendar(now)
        local = f"{now.astimezone(settings.zone):%Y-%m-%d %H:%M:%S %Z}"
        yield Finding("clock", "pass", local + (" (the simulator's)" if settings.mode == "sim" else ""))
        yield from _sources(settings, platform, now)


def _calendar(now: datetime) -> Finding:
    last = calendar.last_session()
    if last > (now + timedelta(days=30)).date():
        return Finding("calendar", "pass", f"XNYS known to {last}")
    return Finding("calendar", "fail", f"XNYS known to {last}", "update exchange-calendars")


def _sources(settings: Settings, platform: Platform | None, now: datetime) -> Iterator[Finding]:
    from resources.vendors.endpoints import reach_of
    from resources.vendors.examination import examine_sources

    others = {}
    if platform is not None:
        opened = platform

        def account() -> str:
            found = opened.broker.account()
            return f"account {found.account}, equity {found.equity_usd:,.2f} USD"

        others["broker", "account"] = account
    delay = settings.data_delay
    # the session before the latest: free plans have no bars of the latest until the morning after
    session = calendar.shift(calendar.latest_closed_session(now, delay=delay), -1)
    reach = reach_of(settings, platform.simulator_url if platform else None)
    for found in examine_sources(settings, reach, session=session, now=now, others=others):
        seconds = "" if found.seconds is None else f" ({found.seconds:.1f} s)"
        yield Finding(f"{found.source} {found.kind}", found.verdict, found.detail + seconds, found.mend)

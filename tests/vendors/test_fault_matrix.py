"""The fault matrix: every fault on every endpoint that the adapters use ends in the right data or in a typed error.

Each cell runs a real adapter on the vendor's own client against the simulator over HTTP, once with a fault that
passes after one request and once with one that lasts. "The right data" is what the same call brings without a
fault, to the last value. A new endpoint is one line in ``ENDPOINTS``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from resources.clock import ManualClock
from resources.vendors.alpaca.source import AlpacaAssets, AlpacaSource
from resources.vendors.http.policy import HttpGate, HttpPolicy
from resources.vendors.polygon.source import PolygonSource
from resources.vendors.yahoo.company import YahooCompanies
from resources.vendors.yahoo.source import YahooSource
from trading_assets.errors import (
    RateLimitedError,
    TradingError,
    TransientError,
    VendorDataError,
    VendorRefusedError,
)
from trading_assets.sessions import sessions_between

NOW = datetime(2024, 6, 28, 21, 0, tzinfo=UTC)
SESSIONS = sessions_between(date(2024, 6, 10), date(2024, 6, 28))
MONTHS = (date(2023, 10, 2), date(2024, 6, 28))
KEY, SECRET = "PLANTED-KEY-0815", "PLANTED-SECRET/0816+x"
DATA, NAMED, NONE = "data", "named", "none"
"""The same data; data are missing and the answer names which; the vendor can only say so by sending no rows."""


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: which requests are struck, which call needs it, and what an empty answer must lead to."""

    name: str
    vendor: str
    match: str
    call: Callable[[Any], Any]
    empty: str
    after: int = 0
    optional: bool = False
    """Data come without it too: cookie and crumb."""


@dataclass(frozen=True)
class Desk:
    """All sources at one simulator, with short limits."""

    polygon: PolygonSource
    alpaca: AlpacaSource
    assets: AlpacaAssets
    yahoo: YahooSource
    companies: YahooCompanies
    symbols: list[str]


STOCKS = 2
ENDPOINTS = [
    Endpoint("polygon grouped daily", "polygon", "/v2/aggs/grouped/", lambda d: d.polygon.daily_bars(SESSIONS[-3:], []), NAMED),
    Endpoint("polygon half hours", "polygon", "/range/30/minute/", lambda d: d.polygon.hourly_bars(SESSIONS[-2:], d.symbols), NAMED),
    Endpoint("polygon splits", "polygon", "/v3/reference/splits", lambda d: d.polygon.corporate_actions(*MONTHS), NONE),
    Endpoint("polygon dividends", "polygon", "/v3/reference/dividends", lambda d: d.polygon.corporate_actions(*MONTHS), NONE),
    Endpoint("polygon dividends, page 3", "polygon", "/v3/reference/dividends", lambda d: d.polygon.corporate_actions(*MONTHS), "VendorDataError", after=2),
    Endpoint("polygon tickers", "polygon", "/v3/reference/tickers.*active=true", lambda d: d.polygon.listings(SESSIONS[-1]), "VendorDataError"),
    Endpoint("polygon tickers, page 3", "polygon", "/v3/reference/tickers.*cursor=", lambda d: d.polygon.listings(SESSIONS[-1]), "VendorDataError", after=1),
    Endpoint("polygon tickers gone", "polygon", "/v3/reference/tickers.*active=false", lambda d: d.polygon.listings(SESSIONS[-1]), NONE),
    Endpoint("alpaca daily bars", "alpaca", "/v2/stocks/bars.*1Day", lambda d: d.alpaca.daily_bars(SESSIONS, d.symbols), NAMED),
    Endpoint("alpaca daily bars, page 3", "alpaca", "/v2/stocks/bars.*1Day", lambda d: d.alpaca.daily_bars(SESSIONS, d.symbols), "VendorDataError", after=2),
    Endpoint("alpaca half hours", "alpaca", "/v2/stocks/bars.*30Min", lambda d: d.alpaca.hourly_bars(SESSIONS[-2:], d.symbols), NAMED),
    Endpoint("alpaca corporate actions", "alpaca", "/v1/corporate-actions", lambda d: d.alpaca.corporate_actions(*MONTHS), NONE),
    Endpoint("alpaca corporate actions, page 3", "alpaca", "/v1/corporate-actions", lambda d: d.alpaca.corporate_actions(*MONTHS), "VendorDataError", after=2),
    Endpoint("alpaca assets", "alpaca", "/v2/assets", lambda d: d.assets.listings(SESSIONS[-1]), "VendorDataError"),
    Endpoint("yahoo chart 1d", "yahoo", "/v8/.*interval=1d", lambda d: d.yahoo.daily_bars(SESSIONS, d.symbols), NAMED),
    Endpoint("yahoo chart 30m", "yahoo", "/v8/.*interval=30m", lambda d: d.yahoo.hourly_bars(SESSIONS[-2:], d.symbols), NAMED),
    Endpoint("yahoo chart 1mo", "yahoo", "/v8/.*interval=1mo", lambda d: d.companies.companies(d.symbols, SESSIONS[-1]), NAMED),
    Endpoint("yahoo quotes", "yahoo", "/v7/finance/quote", lambda d: d.companies.companies(d.symbols, SESSIONS[-1]), NAMED),
    Endpoint("yahoo quote summary", "yahoo", "/v10/finance/quoteSummary", lambda d: d.companies.companies(d.symbols, SESSIONS[-1]), NAMED),
    Endpoint("yahoo statements", "yahoo", "/ws/fundamentals-timeseries", lambda d: d.companies.companies(d.symbols, SESSIONS[-1]), NAMED),
    Endpoint("yahoo crumb", "yahoo", "/v1/test/getcrumb", lambda d: d.companies.companies(d.symbols, SESSIONS[-1]), DATA, optional=True),
    Endpoint("yahoo cookie", "yahoo", "^/$", lambda d: d.yahoo.daily_bars(SESSIONS, d.symbols), DATA, optional=True),
]  # fmt: skip
RETRIED = {
    "429": RateLimitedError,
    "429_bare": RateLimitedError,
    "500": TransientError,
    "503": TransientError,
    "503_bare": TransientError,
    "html_504": TransientError,
    "slow": TransientError,
    "slow_body": TransientError,
    "truncated": TransientError,
    "reset": TransientError,
    "reset_after_accept": TransientError,
}
REFUSED = {"truncated_json": VendorDataError, "wrong_content_type": VendorDataError}
KINDS = [*RETRIED, *REFUSED, "empty"]
SLOW = {"slow", "slow_body"}
CELLS = list(itertools.product(ENDPOINTS, KINDS, ("passing", "lasting")))


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: `data`, `named`, `none`, `GAP`, or an error."""

    word: str
    seconds: float
    error: TradingError | None = None


def desk(url: str, cache: Any, symbols: list[str], *, slow: bool) -> Desk:
    """Build the sources anew, so that no cell inherits cookies, crumbs or pauses of another."""

    def gate(vendor: str) -> HttpGate:
        # generous where the answer comes at once, so that a busy machine is no fault
        limits = (0.1, 0.3, 0.3) if slow else (5.0, 10.0, 20.0)
        names = ("connect_seconds", "read_seconds", "total_seconds")
        policy = HttpPolicy(
            vendor, attempts=2, first_backoff_seconds=0.01, **dict(zip(names, limits, strict=True))
        )
        return HttpGate(policy, secrets=(KEY, SECRET), jitter=lambda: 0.0)

    clock = ManualClock(NOW)
    alpaca, yahoo = gate("alpaca"), gate("yahoo")
    return Desk(
        PolygonSource(url, KEY, gate=gate("polygon"), clock=clock, workers=1),
        AlpacaSource(url, KEY, SECRET, gate=alpaca, clock=clock, workers=1),
        AlpacaAssets(url, KEY, SECRET, gate=alpaca, clock=clock),
        YahooSource(url, gate=yahoo, clock=clock, cache=cache, workers=1),
        YahooCompanies(url, gate=yahoo, clock=clock, cache=cache, workers=1),
        symbols,
    )


def frames(result: Any) -> dict[str, Any]:
    return dict(result.frames) if hasattr(result, "frames") else {"": result.frame}


def outcome(endpoint: Endpoint, sources: Desk, right: Any) -> Outcome:
    began = time.monotonic()
    try:
        result = endpoint.call(sources)
    except TradingError as error:
        return Outcome(type(error).__name__, time.monotonic() - began, error)
    got, wanted = frames(result), frames(right)
    seconds = time.monotonic() - began
    if got.keys() == wanted.keys() and all(got[name].equals(wanted[name]) for name in got):
        return Outcome(DATA, seconds)
    if result.empty != right.empty or result.left_out != right.left_out:
        return Outcome(NAMED, seconds)
    return Outcome(NONE if endpoint.empty == NONE else "GAP", seconds)


class Matrix:
    """Runs cells against one simulator."""

    def __init__(self, simulated: Any, cache: Any) -> None:
        self.simulated = simulated
        self.cache = cache
        self.symbols: list[str] = []
        polygon = self.desk(slow=False).polygon
        paying = polygon.corporate_actions(*MONTHS).frame.filter(kind="cash_dividend").get_column("symbol")
        listed = polygon.listings(SESSIONS[-1]).frame
        assert not listed.filter(status="delisted").is_empty()
        stocks = listed.filter(status="active", asset_type="CS").get_column("symbol")
        self.symbols = sorted({*paying} & {*stocks})[:STOCKS]
        sources = self.desk(slow=False)
        self.right = {endpoint.name: endpoint.call(sources) for endpoint in ENDPOINTS}

    def desk(self, *, slow: bool) -> Desk:
        return desk(self.simulated.base_url, self.cache, self.symbols, slow=slow)

    def cells(self, kind: str, length: str, endpoints: list[Endpoint]) -> dict[tuple[str, str, str], Outcome]:
        """Run one fault on several endpoints at the same time."""
        self.simulated.clear_faults()
        for endpoint in endpoints:
            rule = {
                "match": endpoint.match,
                "vendor": endpoint.vendor,
                "after": endpoint.after,
                "retry_after": 0,
            }
            times = 1 if length == "passing" else 1000
            self.simulated.fault(kind=kind, times=times, seconds=3, **rule)
        slow = kind in SLOW
        with ThreadPoolExecutor(len(endpoints)) as pool:
            found = pool.map(lambda one: outcome(one, self.desk(slow=slow), self.right[one.name]), endpoints)
            outcomes = dict(zip([(one.name, kind, length) for one in endpoints], found, strict=True))
        used = [rule["used"] for rule in rules(self.simulated)]
        assert all(used), (
            f"{kind} was not met by {[one.name for one, n in zip(endpoints, used, strict=True) if not n]}"
        )
        self.simulated.clear_faults()
        return outcomes


def rules(simulated: Any) -> list[dict[str, Any]]:
    return requests.get(f"{simulated.base_url}/sim/faults", timeout=10).json()["faults"]


def run_matrix(simulated: Any, cache: Any) -> dict[tuple[str, str, str], Outcome]:
    """Run every cell, the vendors side by side; slow cells all side by side, because they only wait."""
    matrix = Matrix(simulated, cache)
    found: dict[tuple[str, str, str], Outcome] = {}
    by_vendor = side_by_side(lambda endpoint: endpoint.vendor)
    by_call = side_by_side(lambda endpoint: endpoint.call.__code__.co_names[:2])
    for kind, length in itertools.product(KINDS, ("passing", "lasting")):
        for group in by_call if kind in SLOW else by_vendor:
            found |= matrix.cells(kind, length, group)
    return found


def side_by_side(different: Callable[[Endpoint], Any]) -> list[list[Endpoint]]:
    """Group endpoints that may be struck at the same time, because none meets a rule of another."""
    groups: list[list[Endpoint]] = []
    for endpoint in ENDPOINTS:
        free = (group for group in groups if different(endpoint) not in map(different, group))
        group = next(free, None)
        if group is None:
            groups.append([endpoint])
        else:
            group.append(endpoint)
    return groups


@pytest.fixture(scope="module")
def matrix(start_simulator, tmp_path_factory):
    # small pages, so that there is a third one
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resources.vendors.polygon.source.PAGE", 20)
        patch.setattr("resources.vendors.alpaca.bars.BARS_PER_PAGE", 10)
        patch.setattr("resources.vendors.alpaca.source.BARS_PER_PAGE", 10)
        patch.setattr("resources.vendors.alpaca.corporate_actions.ACTIONS_PER_PAGE", 20)
        simulated = start_simulator(seed=6, symbols=60, years=2, at=NOW.isoformat())
        yield run_matrix(simulated, tmp_path_factory.mktemp("yfinance"))


def expected(endpoint: Endpoint, kind: str, length: str) -> set[str]:
    if kind == "empty":
        # an announced page is asked for once more, which heals what passes
        return {DATA, endpoint.empty} if endpoint.after and length == "passing" else {endpoint.empty}
    if endpoint.optional or (kind in RETRIED and length == "passing"):
        return {DATA}
    return {(RETRIED | REFUSED)[kind].__name__}


@pytest.mark.parametrize(
    ("endpoint", "kind", "length"),
    CELLS,
    ids=lambda value: value.name.replace(" ", "_") if isinstance(value, Endpoint) else value,
)
def test_a_fault_ends_in_the_right_data_or_in_a_typed_error(matrix, endpoint, kind, length):
    found = matrix[endpoint.name, kind, length]
    assert found.word in expected(endpoint, kind, length)
    assert found.seconds < 8
    if found.error is not None:
        said = str(found.error)
        assert isinstance(found.error, TransientError | VendorDataError | VendorRefusedError)
        assert found.error.facts["vendor"] == endpoint.vendor
        assert any(word in said for word in ("try again", "check", "wait"))
        assert "PLANTED" not in said + repr(found.error) + repr(found.error.__cause__)

"""Yahoo's transport: yfinance's requests through an `HttpGate`, with one session, cookie and crumb of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yfinance
from curl_cffi import requests as curl
from yfinance.data import YfData

from resources.vendors.http.policy import HttpGate, Reply
from trading_assets.errors import TransientError, VendorRefusedError

NO_DATA = frozenset({404})
_ANY = frozenset(range(100, 600))
_CREDENTIAL_PATHS = ("/v1/test/getcrumb",)
_CREDENTIAL_HOSTS = ("fc.yahoo.com", "guce.yahoo.com", "consent.yahoo.com")
_CRUMB = re.compile(r"[A-Za-z0-9._/\\-]{4,64}")


class CurlTransport(curl.Session[curl.Response]):
    """The session that yfinance sends through: browser fingerprint, the gate's policy, and a fixed host if given.

    yfinance hard-codes Yahoo's hosts in many places; rewriting them here is the one way to point all of it at
    another base URL.
    """

    def __init__(self, gate: HttpGate, base_url: str | None) -> None:
        super().__init__(impersonate="chrome", trust_env=base_url is None)
        self._gate = gate
        self._base = base_url.rstrip("/") if base_url else None

    def request(self, method: Any, url: str, **options: Any) -> curl.Response:  # type: ignore[override] # curl_cffi lists forty options
        """Send one request through the gate.

        Answers with data raise typed errors; 404 is passed on as 200, because "no data" is judged by our parsers
        and yfinance would ask again with other cookies. Cookie and crumb are asked for once, and returned
        whatever they say: the request that needs them tells.
        """
        params = options.pop("params", None)
        full_url = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}" if params else url
        credentials = _for_credentials(full_url)
        if self._base:
            parts = urlsplit(full_url)
            full_url = f"{self._base}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            options["allow_redirects"] = False
        policy = self._gate.policy
        # curl takes (connect, rest) and bounds their sum, so a body that trickles in is cut too
        options["timeout"] = (policy.connect_seconds, policy.read_seconds)
        latest: list[curl.Response] = []

        def attempt() -> Reply:
            try:
                response = super(CurlTransport, self).request(method, full_url, **options)
            except curl.exceptions.RequestException as error:
                raise self._gate.transient(full_url, error) from None  # its text holds the URL and the crumb
            latest[:] = [response]
            headers = {name.lower(): value for name, value in response.headers.items() if value is not None}
            return Reply(full_url, response.status_code, headers, response.content)

        if credentials:
            self._gate.send(attempt, accept=_ANY, keep=False, attempts=1)
        else:
            reply = self._gate.send(attempt, accept=NO_DATA)
            latest[0].status_code = 200 if reply.status in NO_DATA else reply.status
        return latest[0]


class YahooData(YfData):  # type: ignore[misc] # yfinance is untyped
    """yfinance's transport with one session of its own, whose cookie and crumb are asked for once.

    The library shares one instance a process, and asks again before every request after a failure. Charts need
    neither cookie nor crumb, so a failure to get them is no failure of the charts.
    """

    @classmethod
    def private(cls, session: CurlTransport) -> YahooData:
        """Make an instance that no other part of the process shares."""
        instance: YahooData = type.__call__(cls, session=session)
        instance._credentials = None
        return instance

    _credentials: tuple[str | None, str] | None

    def ask(self, url: str, params: Mapping[str, object]) -> None:
        """Send one request; the answer is captured by the gate.

        A 401 means that the crumb is out of date: a new one is asked for, once.

        Raises
        ------
        TransientError
            Also if Yahoo wants a crumb and gives out none.
        VendorRefusedError, VendorDataError
            As the gate judges.
        """
        try:
            self.get(url, params=params)
        except VendorRefusedError as error:
            if error.facts.get("status") != 401:
                raise
        else:
            return
        self.forget()
        try:
            self.get(url, params=params)
        except VendorRefusedError as error:
            if error.facts.get("status") != 401 or self._get_cookie_and_crumb()[0] is not None:
                raise
            self.forget()
            raise TransientError(
                "Yahoo gave out no crumb, which this request needs: try again later", **error.facts
            ) from error

    def forget(self) -> None:
        """Drop cookie and crumb, so that the next request asks for new ones."""
        self._credentials = self._cookie = self._crumb = None

    @property
    def crumb(self) -> str | None:
        """What Yahoo wants beside the cookie with company data, ``None`` if it gives out none; never shown."""
        return self._get_cookie_and_crumb()[0]

    def _get_cookie_and_crumb(self, timeout: float = 30) -> tuple[str | None, str]:
        if self._credentials is None:
            try:
                crumb, strategy = super()._get_cookie_and_crumb(timeout)
            except (TransientError, yfinance.exceptions.YFRateLimitError, OSError):
                crumb, strategy = None, self._cookie_strategy
            if crumb is not None and not _CRUMB.fullmatch(crumb):
                # a page of a gateway, or a cut text: the library would send it as if it were a crumb
                crumb = self._crumb = None
            self._credentials = (crumb, strategy)
        return self._credentials


def yahoo_data(gate: HttpGate, base_url: str | None, cache: Path) -> YahooData:
    """Make yfinance's transport under a gate.

    Parameters
    ----------
    gate
        HTTP policy.
    base_url
        Simulator, or ``None`` for Yahoo's own hosts.
    cache
        Folder for yfinance's cookie and time zone cache.
    """
    yfinance.config.debug.hide_exceptions = False
    yfinance.config.network.retries = 0
    cache.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(cache))
    return YahooData.private(CurlTransport(gate, base_url))


def _for_credentials(url: str) -> bool:
    parts = urlsplit(url)
    return parts.hostname in _CREDENTIAL_HOSTS or parts.path in _CREDENTIAL_PATHS

"""Ollama: a local language model that is asked for a screener's query; off unless a setting names the model."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import orjson
import urllib3

from resources.vendors.http.policy import HttpGate, HttpPolicy, Reply
from resources.vendors.http.transports import read_reply
from trading_assets.errors import TransientError, VendorRefusedError
from trading_assets.screener.filters import Query
from trading_assets.screener.local_model import CHAT_PATH, read_answer, request_body
from trading_assets.settings import Settings

POLICY = HttpPolicy("ollama", connect_seconds=2.0, read_seconds=10.0, total_seconds=10.0, attempts=1)
"""One attempt of ten seconds: the user waits for it, and can press again."""

Post = Callable[[str, bytes], Reply]


class LocalModel:
    """A model behind Ollama's HTTP interface.

    Parameters
    ----------
    name
        As in ``ollama list``.
    url
        Where Ollama listens.
    post
        Sends a body to a URL; by default over HTTP within the policy.
    """

    def __init__(self, name: str, url: str, post: Post | None = None) -> None:
        self.name = name
        self._url = url.rstrip("/") + CHAT_PATH
        self._post = post or over_http(POLICY)

    def suggest(self, sentence: str) -> Query:
        """Ask for the query that a sentence may mean; for the user to look at and apply, not to run.

        Only the sentence and the list of the screener's fields are sent.

        Raises
        ------
        TransientError
            If Ollama does not answer within ten seconds.
        VendorRefusedError
            If it does not have the model.
        NotUnderstoodError
            If the sentence is too long to be sent.
        VendorDataError
            If the answer is not a query, or one that the screener would refuse from anybody.
        """
        body = orjson.dumps(request_body(sentence, self.name))
        try:
            return read_answer(self._post(self._url, body).body)
        except TransientError as error:
            raise TransientError(
                "The local model did not answer in time: is Ollama running, and the model small enough for this machine?",
                model=self.name,
                url=self._url,
            ) from error
        except VendorRefusedError as error:
            raise VendorRefusedError(
                f"Ollama refused: has the model been fetched (ollama pull {self.name})?", **error.facts
            ) from error


def local_model(settings: Settings) -> LocalModel | None:
    """Return the model that ``TRADING_LOCAL_MODEL`` names, ``None`` if it names none."""
    return LocalModel(settings.local_model, settings.local_model_url) if settings.local_model else None


def over_http(policy: HttpPolicy) -> Post:
    """Return what sends a body within the policy's times, on a connection that is kept."""
    gate = HttpGate(policy)
    pool = urllib3.PoolManager(num_pools=1, maxsize=1, retries=False)

    def post(url: str, body: bytes) -> Reply:
        return gate.send(lambda: _attempt(gate, pool, url, body), keep=False)

    return post


def _attempt(gate: HttpGate, pool: urllib3.PoolManager, url: str, body: bytes) -> Reply:
    policy, started = gate.policy, gate.monotonic()
    try:
        response = pool.request(
            "POST",
            url,
            body=body,
            headers={"content-type": "application/json"},
            timeout=urllib3.Timeout(connect=policy.connect_seconds, read=policy.read_seconds),
            preload_content=False,
            redirect=False,
        )
        return read_reply(gate, url, response, since=started)
    except urllib3.exceptions.HTTPError as error:
        raise gate.transient(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}", error) from error

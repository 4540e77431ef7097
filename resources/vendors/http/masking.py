"""Masking: secrets taken out of URLs, texts and bodies before anything is stored, logged or shown."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

SECRET_PARAMETERS = frozenset(
    {"apikey", "api_key", "key", "secret", "token", "crumb", "password", "access_token"}
)
MASK = "***"


class Mask:
    """Replaces secrets in every form that vendors write them in.

    Parameters
    ----------
    secrets
        Values that must never show.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        # as they are, as in URLs, and as in JSON with escaped slashes; longer ones first, so that no rest stays
        forms = {
            form
            for secret in secrets
            if secret
            for form in (
                secret,
                quote(secret),
                quote(secret, safe=""),
                quote_plus(secret),
                secret.replace("/", "\\/"),
            )
        }
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._encoded = tuple(form.encode() for form in self._forms)

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def body(self, body: bytes) -> bytes:
        """Return ``body`` without secrets, itself if it has none."""
        for form in self._encoded:
            body = body.replace(form, MASK.encode())
        return body

    def url(self, url: str) -> str:
        """Return ``url`` without secrets, user name and password, and values of parameters that hold secrets."""
        parts = urlsplit(url)
        query = parts.query
        if query:
            pairs = parse_qsl(query, keep_blank_values=True)
            if any(name.lower() in SECRET_PARAMETERS for name, _ in pairs):
                query = urlencode(
                    [(name, MASK if name.lower() in SECRET_PARAMETERS else value) for name, value in pairs],
                    safe="*,:",
                )
        host = parts.netloc.rpartition("@")[2]
        return self.text(urlunsplit((parts.scheme, host, parts.path, query, "")))

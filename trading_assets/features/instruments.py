"""Instruments: which share a symbol stood for at a time, by vendors' identities where they are given, else by its seams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from trading_assets.features.seams import begins_anew

NEAR = timedelta(days=10)
"""A new symbol's first bar lies so near the day of the change."""
Span = tuple[str, date, date]
"""Symbol, first and last session without a long silence between."""


@dataclass(frozen=True)
class Identity:
    """What vendors said a symbol was, from the first to the last session on which they said so; null where they did not."""

    symbol: str
    first: date
    last: date
    share_class_figi: str | None = None
    composite_figi: str | None = None
    cik: str | None = None
    asset_id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Instrument:
    """A symbol while it stood for one share: a row of ``instruments``."""

    instrument_id: str
    symbol: str
    first_session: date
    last_session: date | None
    begun: str
    evidence: str
    previous_session: date | None
    share_class_figi: str | None
    composite_figi: str | None
    cik: str | None
    asset_id: str | None
    name: str | None


@dataclass(frozen=True)
class _Piece:
    symbol: str
    first: date
    last: date
    begun: str
    identity: Identity
    previous: _Piece | None = None

    @property
    def figi(self) -> str | None:
        return self.identity.share_class_figi

    @property
    def evidence(self) -> str:
        before = self.previous.figi if self.previous else None
        if before is None or self.figi is None:
            return "none"
        return "same" if before == self.figi else "other"


def spans_of(bars: pl.DataFrame) -> list[Span]:
    """Return the spans without a long silence; ``bars`` has ``symbol`` and ``session``, sorted by them."""
    numbered = bars.select("symbol", "session", seam=begins_anew(bars).cast(pl.Int32).cum_sum())
    spans = numbered.group_by("symbol", "seam").agg(
        first=pl.col("session").min(), last=pl.col("session").max()
    )
    return spans.sort("symbol", "first").select("symbol", "first", "last").rows()


def instruments_of(
    spans: Iterable[Span],
    identities: Iterable[Identity],
    changes: Iterable[tuple[str, str, date]],
    stored: Iterable[Instrument] = (),
) -> list[Instrument]:
    """Tell apart what symbols stood for.

    Parameters
    ----------
    spans
        Of `spans_of`.
    identities
        What vendors said; a symbol that gets another share class FIGI amid a span is another instrument from then on.
    changes
        Old symbol, new symbol and day of the change: the instrument goes on under the new one.
    stored
        The instruments as they were told apart before: what they were called, they are called for ever.

    Returns
    -------
    list of Instrument
        By symbol and first session. ``begun`` is first_bar, silence, identity or symbol_change; ``evidence`` says what vendors
        say of both sides of a seam: same (the same share), other (another one) or none. The id is the share class FIGI where a
        vendor gives it, else symbol@first session; a share that comes back, or changes its symbol, keeps its id.
        ``last_session`` is null while the symbol stands for it. Look-ahead: none beyond the rows given.
    """
    told = defaultdict[str, list[Identity]](list)
    for identity in sorted(identities, key=lambda item: item.first):
        told[identity.symbol].append(identity)
    kept = defaultdict[str, list[Instrument]](list)
    for known in stored:
        kept[known.symbol].append(known)
    ordered_changes = sorted(changes, key=lambda change: change[2])
    became = {new: (old, day) for old, new, day in ordered_changes}
    gone = {old: day for old, _, day in ordered_changes}
    pieces: dict[str, list[_Piece]] = defaultdict(list)
    for span in spans:
        pieces[span[0]] += _pieces(span, told[span[0]], pieces[span[0]])
    names: dict[_Piece, str] = {}
    by_figi: dict[str, str] = {}
    ordered = sorted(
        (piece for own in pieces.values() for piece in own), key=lambda item: (item.first, item.symbol)
    )
    for piece in ordered:
        names[piece] = (
            _stored_name(piece, kept[piece.symbol])
            or _name_before(piece, became, pieces, names)
            or by_figi.get(piece.figi or "")
            or piece.figi
            or f"{piece.symbol}@{piece.first}"
        )
        if piece.figi is not None:
            by_figi.setdefault(piece.figi, names[piece])
    return [
        _instrument(
            piece, names[piece], is_over=piece is not own[-1] or _is_renamed(piece, gone), became=became
        )
        for _, own in sorted(pieces.items())
        for piece in own
    ]


def _pieces(span: Span, told: Sequence[Identity], before: Sequence[_Piece]) -> list[_Piece]:
    """Cut a span where a vendor gives its symbol another identity."""
    symbol, first, last = span
    previous = before[-1] if before else None
    begun = "silence" if previous else "first_bar"
    found = [_Piece(symbol, first, last, begun, Identity(symbol, first, last), previous)]
    for identity in told:
        if identity.first > last or identity.last < first:
            continue
        current = found[-1]
        if identity.share_class_figi and current.figi and identity.share_class_figi != current.figi:
            found[-1] = replace(current, last=identity.first - timedelta(days=1))
            found.append(_Piece(symbol, identity.first, last, "identity", identity, found[-1]))
        else:
            found[-1] = replace(current, identity=_joined(current.identity, identity))
    return found


def _joined(known: Identity, told: Identity) -> Identity:
    return replace(
        told,
        share_class_figi=told.share_class_figi or known.share_class_figi,
        composite_figi=told.composite_figi or known.composite_figi,
        cik=told.cik or known.cik,
        asset_id=told.asset_id or known.asset_id,
        name=told.name or known.name,
    )


def _stored_name(piece: _Piece, stored: Sequence[Instrument]) -> str | None:
    # the history may have grown at its beginning since: the first one is known by where it ends
    for known in stored:
        is_first = known.begun == "first_bar" and piece.begun == "first_bar"
        if known.first_session == piece.first or (is_first and known.first_session <= piece.last):
            return known.instrument_id
    return None


def _name_before(
    piece: _Piece,
    became: Mapping[str, tuple[str, date]],
    pieces: Mapping[str, Sequence[_Piece]],
    names: Mapping[_Piece, str],
) -> str | None:
    old, day = became.get(piece.symbol, ("", date.max))
    if not old or abs(piece.first - day) > NEAR:
        return None
    before = [item for item in pieces.get(old, ()) if item.first < day and item in names]
    return names[before[-1]] if before else None


def _is_renamed(piece: _Piece, gone: Mapping[str, date]) -> bool:
    return (
        piece.symbol in gone and piece.first < gone[piece.symbol] and piece.last <= gone[piece.symbol] + NEAR
    )


def _instrument(
    piece: _Piece, name: str, *, is_over: bool, became: Mapping[str, tuple[str, date]]
) -> Instrument:
    _, day = became.get(piece.symbol, ("", date.max))
    begun = "symbol_change" if piece.begun == "first_bar" and abs(piece.first - day) <= NEAR else piece.begun
    identity = piece.identity
    return Instrument(
        name,
        piece.symbol,
        piece.first,
        piece.last if is_over else None,
        begun,
        piece.evidence,
        piece.previous.last if piece.previous else None,
        identity.share_class_figi,
        identity.composite_figi,
        identity.cik,
        identity.asset_id,
        identity.name,
    )

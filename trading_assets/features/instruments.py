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
    became = defaultdict[str, list[tuple[str, date]]](list)
    gone = defaultdict[str, list[date]](list)
    for old, new, day in sorted(changes, key=lambda change: change[2]):
        became[new].append((old, day))
        gone[old].append(day)
    pieces: dict[str, list[_Piece]] = defaultdict(list)
    for span in spans:
        pieces[span[0]] += _pieces(span, told[span[0]], pieces[span[0]])
    names: dict[_Piece, str] = {}
    ordered = sorted(
        (piece for own in pieces.values() for piece in own), key=lambda item: (item.first, item.symbol)
    )
    for piece in ordered:
        names[piece] = (
            _stored_name(piece, kept[piece.symbol])
            or _name_before(piece, became[piece.symbol], pieces, names)
            or _figi_name(piece, names)
            or f"{piece.symbol}@{piece.first}"
        )
    return [
        _instrument(
            piece,
            names[piece],
            is_over=piece is not own[-1] or _is_renamed(piece, gone[piece.symbol]),
            is_renamed_to=_change_near(piece, became[piece.symbol]) is not None,
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
    for identity in _settled(told, first, last):
        current = found[-1]
        if identity.share_class_figi and current.figi and identity.share_class_figi != current.figi:
            found[-1] = replace(current, last=identity.first - timedelta(days=1))
            found.append(_Piece(symbol, identity.first, last, "identity", identity, found[-1]))
        else:
            found[-1] = replace(current, identity=_joined(current.identity, identity))
    return found


def _settled(told: Sequence[Identity], first: date, last: date) -> list[Identity]:
    """Return what was said within a span, without what was said in between only: a vendor's mistake of a day."""
    inside = [
        replace(item, first=max(item.first, first), last=min(item.last, last))
        for item in told
        if item.first <= last and item.last >= first
    ]
    kept: list[Identity] = []
    for place, item in enumerate(inside):
        before = inside[place - 1].share_class_figi if place else None
        after = inside[place + 1].share_class_figi if place + 1 < len(inside) else None
        is_mistake = before is not None and before == after and item.share_class_figi not in {None, before}
        if not is_mistake:
            kept.append(item)
    return kept


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


def _change_near(piece: _Piece, became: Sequence[tuple[str, date]]) -> tuple[str, date] | None:
    near = [change for change in became if abs(piece.first - change[1]) <= NEAR]
    return min(near, key=lambda change: abs(piece.first - change[1])) if near else None


def _name_before(
    piece: _Piece,
    became: Sequence[tuple[str, date]],
    pieces: Mapping[str, Sequence[_Piece]],
    names: Mapping[_Piece, str],
) -> str | None:
    change = _change_near(piece, became)
    if change is None:
        return None
    before = [item for item in pieces.get(change[0], ()) if item.first < change[1] and item in names]
    return names[before[-1]] if before else None


def _figi_name(piece: _Piece, names: Mapping[_Piece, str]) -> str | None:
    """Return the name by FIGI: that of the share which had it before, and none that another share has at the same time."""
    if piece.figi is None:
        return None
    same = [other for other in names if other.figi == piece.figi]
    name = names[same[-1]] if same else piece.figi
    bearers = [other for other in names if names[other] == name]
    is_taken = any(
        other.figi != piece.figi or (other.symbol != piece.symbol and other.last >= piece.first)
        for other in bearers
    )
    return None if is_taken else name


def _is_renamed(piece: _Piece, gone: Sequence[date]) -> bool:
    return any(piece.first < day and piece.last <= day + NEAR for day in gone)


def _instrument(piece: _Piece, name: str, *, is_over: bool, is_renamed_to: bool) -> Instrument:
    begun = "symbol_change" if is_renamed_to and piece.begun != "identity" else piece.begun
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

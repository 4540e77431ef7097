"""Check of instruments: a symbol that goes on as what may be another company gets no new risk until that is decided."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.outcome import Measured, findings_frame

_DECISION = "the same share, or another one: a vendor's identity of both sides, or a person who accepts this finding with a reason"


def instrument_seam(instruments: pl.DataFrame) -> Measured:
    """Find symbols that went on after a long silence with no vendor saying as what, or got another identity without one.

    They get no new risk until a vendor or a person decides. Features begin anew after a silence in any case; across a change of
    identity without silence they do not, so that their windows hold two companies until they have passed.

    Parameters
    ----------
    instruments
        Rows of ``instruments``.
    """
    silent = (pl.col("begun") == "silence") & (pl.col("evidence") == "none")
    other = pl.col("begun") == "identity"
    value = (
        pl.when(other)
        .then(pl.format("another share by its FIGI since {}: {}", "first_session", "share_class_figi"))
        .otherwise(pl.format("goes on after no bar since {}", "previous_session"))
    )
    found = instruments.filter(silent | other).with_columns(session="first_session", value=value)
    return Measured(
        findings_frame(found.drop("name"), expectation=_DECISION),
        "symbols go on as what may be another company",
    )

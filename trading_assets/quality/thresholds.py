"""Data-quality thresholds: every limit that a row rule or a session check uses, with its unit."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class QualityThresholds(BaseModel):
    """Limits of the row rules (one bar) and of the session checks (one session's cross-section)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jump_ratio: float = Field(
        default=4.0,
        gt=1,
        description="a close outside [1/x, x] times the reference close, after known splits, is a jump; ratio",
    )
    rounding_usd: float = Field(
        default=0.01, ge=0, description="open and close may lie outside [low, high] by this much; USD"
    )
    penny_rounding_frac: float = Field(
        default=0.01,
        ge=0,
        description="and by no more than this share of the close, which binds below $1; fraction",
    )
    rounding_frac: float = Field(
        default=1e-4, ge=0, description="but always by this share of the close (32-bit vendors); fraction"
    )
    absurd_price_usd: float = Field(
        default=10_000.0,
        gt=0,
        description="no listed share trades above this, save the exempt ones: a foreign quote or a unit error; USD",
    )
    absurd_price_exempt: frozenset[str] = Field(
        default=frozenset({"BRK.A", "BRK-A", "BRK/A", "BRKA", "NVR"}),
        description="symbols that may trade above it",
    )
    close_difference_frac: float = Field(
        default=0.005, ge=0, description="sources may differ in the close by this much; fraction"
    )
    volume_difference_frac: float = Field(
        default=0.05, ge=0, description="sources may differ in the volume by this much; fraction"
    )
    max_quarantined_frac: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="a session stops when one rule refused more than this share of its symbols; fraction",
    )
    max_missing_frac: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="a session stops when more than this share of the expected symbols is missing; fraction",
    )
    max_disagreeing_frac: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="a session stops when the sources disagree on more than this share of the closes; fraction",
    )
    min_symbols_for_shares: int = Field(
        default=100,
        ge=1,
        description="below this many symbols a share means little: the allowance is at least one symbol; symbols",
    )
    max_findings: int = Field(
        default=200, ge=1, description="findings listed per check; the counts are always complete; rows"
    )

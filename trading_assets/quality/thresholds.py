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
        description="a session stops when more than this share of the symbols that trade is missing; fraction",
    )
    max_unpriced_frac: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="a session stops when more than this share of the listed universe has no bar at all; fraction",
    )
    expected_after_sessions: int = Field(
        default=5,
        ge=1,
        le=20,
        description="a symbol is expected to have a bar if it had one in so many sessions before; sessions",
    )
    held_silent_sessions: int = Field(
        default=5, ge=1, description="a name that is held and has no bar for so long is a finding; sessions"
    )
    max_disagreeing_frac: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="a session stops when the sources disagree on more than this share of the closes; fraction",
    )
    max_volume_disagreeing_frac: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="a session stops when the sources disagree on more than this share of the volumes; fraction",
    )
    min_source_volume_ratio: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="below this median share of the other sources' volume a source's session is not finished; ratio",
    )
    max_stale_frac: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="a session stops when more than this share of the bars repeats the session before; fraction",
    )
    max_unchanged_frac: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="a session stops when more than this share of the closes equals the one before; fraction",
    )
    unchanged_sessions: int = Field(
        default=4,
        ge=2,
        le=20,
        description="open, high, low and close that stay the same for so many traded sessions are stale; sessions",
    )
    min_hours_volume_ratio: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="a session's hours have at least this share of the day's volume, which has auctions too; ratio",
    )
    min_session_volume_ratio: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="below this median ratio to the 20 sessions before a full session is not finished; ratio",
    )
    max_session_volume_ratio: float = Field(
        default=4.0,
        gt=1,
        description="above this median ratio a session's volume is in another unit; ratio",
    )
    min_symbol_volume_ratio: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="below this ratio to its own 20 sessions a liquid symbol's volume has collapsed; ratio",
    )
    max_symbol_volume_ratio: float = Field(
        default=40.0,
        gt=1,
        description="above this ratio to its own 20 sessions, on a calm one, a liquid symbol's volume is wrong; ratio",
    )
    max_extreme_ratio: float = Field(
        default=2.0,
        gt=1,
        description="a low or high further than [1/x, x] from open, close and the close before is alone; ratio",
    )
    min_step_frac: float = Field(
        default=0.1,
        gt=0,
        description="moves below it are no suspected steps, spikes or swaps, however calm the symbol; fraction",
    )
    min_step_volatility_ratio: float = Field(
        default=6.0,
        gt=1,
        description="a step, spike or swap is this many usual moves of its symbol, above its sector or market; ratio",
    )
    max_step_volume_ratio: float = Field(
        default=2.5,
        gt=0,
        description="a step on less than this share of the usual volume, in old or new shares, is no news; ratio",
    )
    step_volume_usd: float = Field(
        default=100_000.0,
        ge=0,
        description="usual traded value from which a volume says whether there was news; USD",
    )
    liquid_volume_usd: float = Field(
        default=1_000_000.0,
        ge=0,
        description="median traded value of 20 sessions from which a symbol counts as liquid; USD",
    )
    split_tolerance_frac: float = Field(
        default=0.03,
        gt=0,
        lt=0.2,
        description="open and close within this of a simple ratio look like a split; fraction",
    )
    max_unfollowed_frac: float = Field(
        default=0.002,
        ge=0,
        le=1,
        description="a session stops when more than this share of its symbols steps as by an unknown split; fraction",
    )
    max_universe_change_frac: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="the universe may gain or lose this share of its symbols between snapshots; fraction",
    )
    max_null_rise_frac: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="the share of nulls in a column may rise by this much between sessions; fraction",
    )
    max_bad_features_frac: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="a session stops when more than this share of its symbols has an impossible feature; fraction",
    )
    max_dividend_frac: float = Field(
        default=0.5,
        gt=0,
        description="a cash dividend above this share of the last close is implausible; fraction",
    )
    max_split_ratio: float = Field(
        default=200.0, gt=1, description="a split outside [1/x, x] is implausible; ratio"
    )
    max_bad_actions_frac: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="a session stops when more than this share of its corporate actions cannot be; fraction",
    )
    max_batch_age_sessions: int = Field(
        default=1,
        ge=0,
        description="the newest fetch of every source covers a session at most so many behind; sessions",
    )
    min_symbols_for_shares: int = Field(
        default=100,
        ge=1,
        description="below this many symbols a share means little: the allowance is at least one symbol; symbols",
    )
    max_findings: int = Field(
        default=200,
        ge=1,
        description="findings listed per check and session, though errors always are; the counts are complete; rows",
    )
    warn_only: frozenset[str] = Field(
        default=frozenset(),
        description="checks that warn and block nothing; `doctor` and the Operations page say so; names",
    )

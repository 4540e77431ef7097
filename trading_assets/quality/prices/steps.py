"""Steps and spikes of the price: moves that no news explains, those that stay and those that came back; per (symbol, session)."""

from __future__ import annotations

import numpy as np
import polars as pl

from trading_assets.quality.actions.splits import nearest_ratio
from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.moves import SPIKE_SESSIONS, opened_there
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame
from trading_assets.quality.refused import JUMP_CHECK

_LEAST_PRICE_USD = 1.0
_LEAST_SPIKE_FRAC = 0.15
_LEAST_PEERS = 10
_LEAST_MARKET = 20
_CERTAIN_MOVE = 0.3
_ON_NEWS_VOLUME = 4.0
_ON_LOUD_VOLUME = 8.0
_LOUD_MOVE = 0.08
_PLAIN_SPLIT = 2.0
_INTRADAY_MOVE = 0.2
_INTRADAY_VOLATILITY = 8.0
_INTRADAY_VOLUME = 2.0


def price_step(checked: CheckedBars) -> Measured:
    """Find moves that the symbol's volatility, its sector, the market, its volume and the known actions do not explain.

    A step stays suspected, and its symbol without new risk, until an action or a corrected bar explains it or a person
    accepts it; a bar that a person took although it jumped is no step. Moves that came back within five bars are spikes, see ``came_back``. More than ``max_quarantined_frac`` of
    the symbols stop the session.
    """
    limits = checked.thresholds
    moves = checked.moves.filter(
        pl.col("session") >= checked.sessions[0], ~pl.col("comes_back"), pl.col("spike_sessions") == 0
    )
    looked_at = checked.accepted.filter(pl.col("check_name") == JUMP_CHECK)
    moves = moves.join(looked_at, on=["symbol", "session"], how="anti")
    steps = _above_market(checked, _on_little_volume(checked, _unexplained(checked, moves)))
    return Measured(
        _told(steps, limits.split_tolerance_frac),
        "symbols step without an explanation",
        totals=checked.totals,
        share=limits.max_quarantined_frac,
    )


def came_back(checked: CheckedBars) -> Measured:
    """Find bars that lay elsewhere for up to five sessions between bars that agree: a spike, marked on its own sessions.

    It is known when the price is back: a session is checked again along with the later ones. The symbol gets no new risk
    while features look back on the spike. More than ``max_quarantined_frac`` of the symbols stop the session.
    """
    spikes = checked.moves.filter(
        pl.col("spike_sessions") > 0,
        pl.col("volume_ratio") < _ON_NEWS_VOLUME,
        pl.min_horizontal("close", "previous_close") >= _LEAST_PRICE_USD,
        pl.col("usual_volume") * pl.col("previous_close") >= checked.thresholds.step_volume_usd,
    )
    spikes = _unexplained(checked, spikes).filter(pl.col("move").abs() > np.log1p(_LEAST_SPIKE_FRAC))
    rows = checked.history.select("symbol", "session", "close", "volume").join(
        spikes.select("symbol", first="session", last="spike_end", before="previous_close"), on="symbol"
    )
    rows = rows.filter(
        pl.col("session").is_between("first", "last"), pl.col("session") >= checked.sessions[0]
    ).unique(["symbol", "session"], keep="first", maintain_order=True)
    details = findings_frame(
        rows,
        value=pl.format(
            "close {} is {} of the {} before, and the price was back after {}",
            "close", (pl.col("close") / pl.col("before")).round(3), pl.col("before").round(4), "last",
        ),
        expectation=f"no level that is left again within {SPIKE_SESSIONS} sessions: a wrong bar, unless news moved it twice",
    )  # fmt: skip
    return Measured(
        details,
        "symbols have a price that came back",
        totals=checked.totals,
        share=checked.thresholds.max_quarantined_frac,
    )


def _unexplained(checked: CheckedBars, moves: pl.DataFrame) -> pl.DataFrame:
    """Drop moves that a dividend, or a spin-off whose part is not known, explains; splits are undone already."""
    if moves.is_empty() or checked.actions is None or checked.actions.is_empty():
        return moves
    columns = {name: pl.lit(None, pl.Float64) for name in ("cash_usd", "price_factor") if name not in checked.actions.columns}  # fmt: skip
    actions = checked.actions.with_columns(**columns).select(
        "symbol", "ex_date", "kind", "cash_usd", "price_factor"
    )
    due = moves.select("symbol", "session", "previous_session", "previous_close", "move").join(
        actions, on="symbol"
    )
    due = due.filter(pl.col("ex_date") <= pl.col("session"), pl.col("ex_date") > pl.col("previous_session"))
    paid = (1 - pl.col("cash_usd").fill_null(0.0).sum() / pl.col("previous_close").first()).clip(1e-9)
    falls = ((pl.col("kind") == "spin_off") & pl.col("price_factor").is_null()).any()
    told = due.group_by("symbol", "session").agg(paid=paid.log(), falls=falls & (pl.col("move").first() < 0))
    left = pl.col("move") - pl.col("paid").fill_null(0.0)
    least = np.log1p(checked.thresholds.min_step_frac)
    return (
        moves.join(told, on=["symbol", "session"], how="left", maintain_order="left")
        .filter(~pl.col("falls").fill_null(value=False), left.abs() > least)
        .with_columns(move=left, gap=pl.col("gap") - pl.col("paid").fill_null(0.0))
        .drop("paid", "falls")
    )


def _on_little_volume(checked: CheckedBars, moves: pl.DataFrame) -> pl.DataFrame:
    limits = checked.thresholds
    size, score = pl.col("move").abs(), pl.col("move").abs() / pl.col("usual_move")
    volume = pl.col("volume_ratio")
    value = pl.col("usual_volume") * pl.col("previous_close")
    little = volume < limits.max_step_volume_ratio
    whole_bar = opened_there() & (
        little
        | ((size > _CERTAIN_MOVE) & (volume < _ON_NEWS_VOLUME))
        | (_as_by_a_split(moves) & (volume < _ON_LOUD_VOLUME))
    )
    close_alone = (size > _INTRADAY_MOVE) & (score > _INTRADAY_VOLATILITY) & (volume < _INTRADAY_VOLUME)
    lowest, highest = (
        pl.min_horizontal("close", "previous_close"),
        pl.max_horizontal("close", "previous_close"),
    )
    # a cent is much below a dollar, but no reason to fall there from another unit
    is_priced = (lowest >= _LEAST_PRICE_USD) | (
        (highest >= _LEAST_PRICE_USD) & (size > np.log(limits.jump_ratio))
    )
    return moves.filter(
        is_priced,
        score > limits.min_step_volatility_ratio,
        (whole_bar & (value >= limits.step_volume_usd)) | (close_alone & (value >= limits.liquid_volume_usd)),
    )


def _as_by_a_split(moves: pl.DataFrame) -> pl.Expr:
    """Whether open and close lie near a split of at least 2 for 1, or its reverse, give or take a loud day's move."""
    shares = nearest_ratio(moves["ratio"].to_numpy(), _LOUD_MOVE)
    with np.errstate(invalid="ignore"):
        near_open = np.abs(np.exp(moves["gap"].to_numpy()) * shares - 1) <= _LOUD_MOVE
        is_plain = np.maximum(shares, 1 / shares) >= _PLAIN_SPLIT
    return pl.lit(pl.Series(near_open & is_plain))


def _above_market(checked: CheckedBars, moves: pl.DataFrame) -> pl.DataFrame:
    """Keep moves that are as unusual without what the sector, or else the market, did on that session."""
    if moves.is_empty():
        return moves
    limits = checked.thresholds
    rows = checked.history.filter(pl.col("session").is_in(moves["session"].unique().implode())).select(
        "symbol", "session", change=(pl.col("close") / pl.col("previous_close")).log()
    )
    market = _medians(rows, ["session"], _LEAST_MARKET, "market")
    moves = moves.join(market, on="session", how="left", maintain_order="left")
    if checked.universe is not None and "sector" in checked.universe.columns:
        sectors = checked.universe.select("symbol", "session", "sector").drop_nulls()
        sector = _medians(
            rows.join(sectors, on=["symbol", "session"]), ["session", "sector"], _LEAST_PEERS, "peers"
        )
        moves = moves.join(sectors, on=["symbol", "session"], how="left", maintain_order="left").join(
            sector, on=["session", "sector"], how="left", maintain_order="left"
        )
    else:
        moves = moves.with_columns(peers=pl.lit(None, pl.Float64))
    excess = (pl.col("move") - pl.coalesce("peers", "market", pl.lit(0.0))) * pl.col("move").sign()
    return moves.filter(
        excess > np.log1p(limits.min_step_frac),
        excess > limits.min_step_volatility_ratio * pl.col("usual_move"),
    )


def _medians(rows: pl.DataFrame, by: list[str], least: int, name: str) -> pl.DataFrame:
    medians = rows.group_by(by).agg(
        pl.col("change").median().alias(name), pl.col("change").count().alias("n")
    )
    return medians.filter(pl.col("n") >= least).drop("n")


def _told(steps: pl.DataFrame, tolerance: float) -> pl.DataFrame:
    if steps.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    shares = pl.Series("shares", nearest_ratio(steps["ratio"].to_numpy(), tolerance)).fill_nan(None)
    suspected = pl.format(", as by a split of {}", shares.round(4)).fill_null("")
    return findings_frame(
        steps,
        value=pl.format(
            "close {} is {} of {} on {} of the usual volume{}",
            "close", pl.col("ratio").round(4), pl.col("previous_close").round(4), pl.col("volume_ratio").round(2), suspected,
        ),
        expectation=(
            "split or unit change suspected: no new risk in the symbol until an action or a corrected bar explains it, "
            "or a person accepts it"
        ),
    )  # fmt: skip

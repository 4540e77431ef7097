"""Pairs trading: when a pair is entered, held and left, what its legs are, and that nothing of it knows the future."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from trading_assets.pairs.formation import Formation, adjusted_closes
from trading_assets.pairs.statistics import pair_statistics
from trading_assets.sessions import sessions_between, shift
from trading_assets.strategies.pairs import LEG_SCHEMA, PairsParameters, pair_legs, traded_pairs
from trading_assets.strategies.registry import STRATEGIES

LAST = date(2024, 4, 30)
DAYS = sessions_between(date(2024, 5, 1), date(2024, 8, 30))
PLAIN = PairsParameters()


def formation(session: date = DAYS[0], **changed: object) -> dict[str, object]:
    return {
        "session": session, "symbol": "AAA", "other_symbol": "BBB", "dependent_symbol": "AAA", "hedge_ratio": 0.5,
        "spread_mean": 1.0, "spread_std": 0.02, "half_life_sessions": 4.0, "adjusted_p_value": 0.01, "rank": 1,
        "last_session": shift(session, -1), "sector_session": shift(session, -1), **changed,
    }  # fmt: skip


def prices(z: list[float | None], *, hedge_ratio: float = 0.5, dependent: str = "AAA") -> pl.DataFrame:
    """Prices whose spread has these z-scores from the formation's session on; None: the dependent has no price."""
    path = [0.0, *z]
    days = [LAST, *DAYS[: len(z)]]
    other = 3.0 + 0.01 * np.arange(len(path))
    logs = [
        1.0 + hedge_ratio * level + 0.02 * (value or 0.0) for level, value in zip(other, path, strict=True)
    ]
    names = [dependent, "BBB" if dependent == "AAA" else "AAA"]
    frames = [
        pl.DataFrame({"symbol": name, "session": days, "close": np.exp(values)})
        for name, values in zip(names, (logs, other), strict=True)
    ]
    rows = pl.concat(frames).with_columns(price_factor=pl.lit(1.0))
    missing = [day for day, value in zip(days, path, strict=True) if value is None]
    return rows.filter(~((pl.col("symbol") == dependent) & pl.col("session").is_in(missing)))


def legs(
    z: list[float | None], *formations: dict[str, object], parameters: PairsParameters = PLAIN, **options
) -> pl.DataFrame:
    given = pl.DataFrame(list(formations or [formation()]))
    found = pair_legs(given, prices(z, **options), parameters)
    assert found.schema == LEG_SCHEMA
    return found


def actions(found: pl.DataFrame, leg: str = "dependent") -> list[tuple[int, str, str]]:
    own = found.filter(leg=leg).with_columns(
        place=pl.col("session").replace_strict(dict(zip(DAYS, range(len(DAYS)), strict=True)))
    )
    return list(own.select("place", "action", "side").iter_rows())


def test_a_spread_far_above_its_mean_is_sold_and_bought_back_near_it():
    found = legs([0.0, 2.1, 1.5, 0.4, 0.0])
    assert actions(found) == [(1, "enter", "short"), (2, "hold", "short"), (3, "exit", "short")]
    assert actions(found, "other") == [(1, "enter", "long"), (2, "hold", "long"), (3, "exit", "long")]
    assert found["z_score"].to_list() == pytest.approx([2.1, 2.1, 1.5, 1.5, 0.4, 0.4])


def test_a_spread_far_below_its_mean_is_bought():
    assert actions(legs([-2.0, -2.5, 0.0])) == [
        (0, "enter", "long"),
        (1, "hold", "long"),
        (2, "exit", "long"),
    ]


def test_a_spread_that_jumps_to_the_other_side_has_reverted():
    found = legs([2.5, -3.0, -3.0])
    assert actions(found) == [(0, "enter", "short"), (1, "exit", "short"), (2, "enter", "long")]
    assert "reverted" in found.filter(action="exit")["reason"][0]


def test_a_spread_that_runs_away_is_stopped_and_left_alone_until_the_next_formation():
    path = [2.5, 4.2, 3.0, 0.0, 2.5, *[0.0] * 17, 2.5, 0.1]
    following = formation(date(2024, 6, 3))
    assert DAYS[22] == date(2024, 6, 3)
    found = legs(path, formation(), following)
    assert actions(found) == [
        (0, "enter", "short"),
        (1, "exit", "short"),
        (22, "enter", "short"),
        (23, "exit", "short"),
    ]
    assert found["formed"].unique().sort().to_list() == [DAYS[0], date(2024, 6, 3)]


def test_a_spread_that_is_past_the_stop_is_not_entered():
    assert legs([4.5, 5.0, 3.0, 0.0])["session"].unique().to_list() == [DAYS[2], DAYS[3]]


def test_a_trade_expires_after_some_half_lives():
    found = legs([2.5] * 20)
    assert actions(found)[-1] == (12, "exit", "short"), "three half-lives of four sessions; not entered again"
    assert "expired after 12 sessions" in found["reason"][-1]
    sooner = legs([2.5] * 20, parameters=PairsParameters(holding_half_lives=0.1))
    assert actions(sooner) == [(0, "enter", "short"), (1, "exit", "short")]


def test_after_it_reverted_a_pair_may_be_entered_again():
    assert [action for _, action, _ in actions(legs([2.5, 0.0, 2.5, 0.0]))] == [
        "enter",
        "exit",
        "enter",
        "exit",
    ]


def test_legs_are_weighted_by_the_hedge_ratio():
    found = legs([2.5]).sort("leg")
    assert found.select("symbol", "leg", "weight").rows() == [
        ("AAA", "dependent", pytest.approx(1 / 1.5)), ("BBB", "other", pytest.approx(0.5 / 1.5)),
    ]  # fmt: skip


def test_prices_against_each_other_are_traded_on_one_side():
    found = legs([2.5, 0.0], formation(hedge_ratio=-0.5), hedge_ratio=-0.5)
    assert found["side"].unique().to_list() == ["short"]
    assert found.filter(action="enter")["weight"].sum() == pytest.approx(1)


def test_the_second_symbol_may_be_the_dependent_one():
    found = legs([2.5], formation(dependent_symbol="BBB"), dependent="BBB")
    assert found.select("pair", "symbol", "leg", "side").rows() == [
        ("AAA/BBB", "BBB", "dependent", "short"), ("AAA/BBB", "AAA", "other", "long"),
    ]  # fmt: skip


def test_a_session_without_a_price_changes_nothing():
    found = legs([2.5, None, 1.0, None, 0.0])
    assert actions(found) == [(0, "enter", "short"), (2, "hold", "short"), (4, "exit", "short")]


def test_a_split_changes_nothing():
    whole = prices([0.0, 2.5, 1.0, 0.0])
    split = (pl.col("symbol") == "BBB") & (pl.col("session") >= DAYS[2])
    after = whole.with_columns(
        close=pl.when(split).then(pl.col("close") / 4).otherwise("close"),
        price_factor=pl.when(split).then(pl.col("price_factor") / 4).otherwise("price_factor"),
    )
    given = pl.DataFrame([formation()])
    drop = ["z_score", "reason"]
    assert pair_legs(given, after, PLAIN).drop(drop).equals(pair_legs(given, whole, PLAIN).drop(drop))


def test_a_company_that_takes_a_ticker_over_is_not_the_one_that_was_paired():
    found = prices([2.5, *[1.0] * 60])
    silent = (pl.col("symbol") == "AAA") & pl.col("session").is_between(DAYS[2], DAYS[30])
    assert actions(pair_legs(pl.DataFrame([formation()]), found.filter(~silent), PLAIN)) == [
        (0, "enter", "short"), (1, "hold", "short"),
    ]  # fmt: skip


def test_a_trade_keeps_the_formation_it_was_entered_with():
    changed = formation(date(2024, 6, 3), spread_mean=5.0, hedge_ratio=2.0)
    path = [*[0.0] * 20, 2.5, 2.4, 2.3, 2.2, 0.0, 0.0]
    found = legs(path, formation(), changed)
    assert actions(found)[:5] == [
        (20, "enter", "short"),
        *[(day, "hold", "short") for day in (21, 22, 23)],
        (24, "exit", "short"),
    ]
    assert set(found["formed"]) == {DAYS[0]}


@pytest.mark.parametrize(
    "changed",
    [
        {"adjusted_p_value": 0.051}, {"half_life_sessions": 43.0}, {"half_life_sessions": None}, {"spread_std": 0.0},
        {"hedge_ratio": 0.0}, {"adjusted_p_value": None}, {"sector_session": DAYS[0]},
    ],
)  # fmt: skip
def test_pairs_that_are_weak_slow_flat_or_not_known_then_are_not_traded(changed):
    schema = pl.DataFrame([formation()]).schema
    assert traded_pairs(pl.DataFrame([formation()]), PLAIN).height == 1
    assert traded_pairs(pl.DataFrame([formation(**changed)], schema=schema), PLAIN).is_empty()


def test_the_best_pairs_of_a_formation_are_traded():
    many = pl.DataFrame([formation(symbol=f"A{rank}", rank=rank) for rank in range(12, 0, -1)])
    assert traded_pairs(many, PairsParameters(max_pairs=3))["rank"].to_list() == [1, 2, 3]


@pytest.mark.parametrize("wrong", [{"exit_z": 2.5}, {"stop_z": 2.0}, {"entry_z": -1}, {"lookback": 3}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        PairsParameters(**wrong)


def test_what_has_two_legs_is_not_offered_as_a_strategy_of_single_symbols():
    assert "pairs" not in STRATEGIES


def wandering(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Formations of three months by the real statistics, and the prices around them."""
    random = np.random.default_rng(seed)
    days = sessions_between(date(2023, 4, 3), DAYS[-1])
    shared = random.normal(size=(2, len(days))).cumsum(axis=1) * 0.02
    noise = np.zeros((6, len(days)))
    for i in range(1, len(days)):
        noise[:, i] = 0.8 * noise[:, i - 1] + random.normal(size=6) * 0.01
    names = [f"S{number}" for number in range(6)]
    rows = pl.concat(
        pl.DataFrame(
            {"symbol": name, "session": days, "close": np.exp(4 + shared[number % 2] + noise[number])}
        )
        for number, name in enumerate(names)
    ).with_columns(price_factor=pl.lit(1.0))
    rows = rows.filter(pl.Series(random.uniform(size=rows.height) > 0.002) | (pl.col("session") < DAYS[0]))
    formations = []
    for session in (DAYS[0], date(2024, 6, 3), date(2024, 7, 1)):
        found = Formation(session, shift(session, -200), shift(session, -1))
        window = rows.filter(pl.col("session").is_between(found.first_session, found.last_session))
        whole = window.filter(pl.len().over("symbol") == pl.col("session").n_unique())
        kept = whole["symbol"].unique().sort()
        sectors = pl.DataFrame({"symbol": kept, "sector": "X", "sector_session": found.last_session})
        formations.append(pair_statistics(adjusted_closes(whole, found.last_session), sectors, found))
    return pl.concat(formations), rows.filter(pl.col("session") >= LAST)


@pytest.mark.parametrize("seed", range(4))
def test_the_future_changes_no_leg_of_the_past(seed):
    formations, rows = wandering(seed)
    loose = PairsParameters(entry_z=1.0, exit_z=0.3, stop_z=2.5, max_adjusted_p=0.5)
    whole = pair_legs(formations, rows, loose)
    assert whole.height > 50
    assert {*whole["action"]} == {"enter", "hold", "exit"}
    for cut in (DAYS[5], DAYS[22], DAYS[40], DAYS[70]):
        known = pl.col("session") <= cut
        expected = whole.filter(known)
        past = formations.filter(known)
        assert pair_legs(past, rows.filter(known), loose).equals(expected), "future removed"
        corrupted = pl.when(known).then("close").otherwise(pl.col("close").reverse() * 3 + 1).alias("close")
        assert pair_legs(past, rows.with_columns(corrupted), loose).filter(known).equals(expected), (
            "future corrupted"
        )
        shuffled = (
            rows.sample(fraction=1, shuffle=True, seed=7),
            formations.sample(fraction=1, shuffle=True, seed=7),
        )
        assert pair_legs(shuffled[1], shuffled[0], loose).filter(known).equals(expected), (
            "rows in another order"
        )


@pytest.mark.parametrize("seed", range(4))
def test_every_trade_has_two_legs_begins_once_and_ends_at_most_once(seed):
    formations, rows = wandering(seed)
    found = pair_legs(
        formations, rows, PairsParameters(entry_z=1.0, exit_z=0.3, stop_z=2.5, max_adjusted_p=0.5)
    )
    both = found.group_by("pair", "session").agg(pl.len(), pl.col("weight").sum(), pl.col("leg").n_unique())
    assert (both["len"] == 2).all()
    assert (both["leg"] == 2).all()
    np.testing.assert_allclose(both["weight"], 1.0)
    for _, own in found.filter(leg="dependent").sort("session").group_by("pair"):
        assert re.fullmatch("(eh*x)*(eh*)?", "".join(own["action"].replace("exit", "x").str.head(1)))

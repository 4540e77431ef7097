"""Bad data of 45 kinds, the same in all sources, planted into the real market: which check names it, and what is alarmed without.

Each kind is in eight of 491 names, on a clean stretch of 314 sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl
import pytest

from tests.golden.planted_kinds import KINDS, Planted, plant_all
from tests.golden.recorded_market import RecordedMarket, found, recorded_market
from trading_assets.market_data.findings import STANDING_CHECKS
from trading_assets.quality.checked import LOOK_BACK_SESSIONS
from trading_assets.quality.consolidate import Consolidated

DOCUMENT = Path(__file__).parents[2] / "docs" / "bad_data.md"

REAL_FAULTS = {
    ("CAG", date(2016, 11, 10)): "the spin-off of Lamb Weston, which the data do not tell",
    ("EVHC", date(2016, 12, 2)): "0.334 new shares for an old one in the merger with AmSurg",
    ("HTZ", date(2016, 7, 1)): "the ticker of another company from a spin-off on",
    ("UA", date(2016, 4, 8)): "a share of another class for each share",
    ("UA", date(2016, 12, 7)): "the ticker of the other class from here on",
    ("VAR", date(2017, 1, 30)): "the spin-off of Varex, which the data do not tell",
}
"""What the recorded market has of itself: the checks are right about it."""


@pytest.fixture(scope="module")
def market(shared_data: Path) -> RecordedMarket:
    return recorded_market(shared_data)


@pytest.fixture(scope="module")
def alarms(market: RecordedMarket) -> pl.DataFrame:
    """What is found in the recorded market as it is."""
    return found(market.judged(market.bars)[1])


@dataclass(frozen=True)
class Suite:
    """The market with everything planted, and what was found in it that is not in it by itself."""

    market: RecordedMarket
    planted: list[Planted]
    consolidated: Consolidated
    named: pl.DataFrame

    @classmethod
    def of(cls, market: RecordedMarket, alarms: pl.DataFrame) -> Suite:
        planted = plant_all(market, alarms)
        cells = pl.concat([item.cells for item in planted])
        good = market.bars.join(cells, on=["symbol", "session"], how="anti")
        bars = pl.concat([good, *(item.bars for item in planted)]).sort("symbol", "session")
        consolidated, outcomes = market.judged(bars)
        new = found(outcomes).join(alarms, on=["symbol", "session", "check"], how="anti")
        return cls(market, planted, consolidated, new)

    @cached_property
    def cells(self) -> pl.DataFrame:
        """Bad bars: ``symbol, session, kind``."""
        return pl.concat([item.cells for item in self.planted])

    @cached_property
    def at_once(self) -> pl.DataFrame:
        """What was found on the first evening of each fault, when nothing later was known: as ``named``."""
        evenings = sorted({item.sessions[0] for item in self.planted})
        return pl.concat([found(self.market.checked(self.consolidated, [day])) for day in evenings])

    @cached_property
    def standing(self) -> pl.DataFrame:
        """Since when a symbol is suspected of a step that nothing explained: ``symbol, since``."""
        names = self.named.columns
        steps = pl.concat([self.named, self.at_once.select(names)]).filter(
            pl.col("check").is_in(STANDING_CHECKS)
        )
        return steps.group_by("symbol").agg(since=pl.col("session").min())

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row a kind: names, those named and those stopped on the first evening, bad bars, accepted ones, free ones."""
        key = ["symbol", "session"]
        named = self.named.join(self.cells, on=key)
        at_once = self.at_once.select(key).unique()
        first = self.cells.group_by("kind", "symbol").agg(pl.col("session").min())
        accepted = self.cells.join(self.consolidated.bars.select(key), on=key)
        open_to_risk = (
            accepted.join(at_once, on=key, how="anti")
            .join(self.named, on=key, how="anti")
            .join(self.standing, on="symbol", how="left")
            .filter(pl.col("since").is_null() | (pl.col("session") < pl.col("since")))
        )
        return (
            self.cells.group_by("kind", maintain_order=True)
            .agg(names=pl.col("symbol").n_unique(), bad_bars=pl.len())
            .join(accepted.group_by("kind").agg(accepted=pl.len()), on="kind", how="left")
            .join(open_to_risk.group_by("kind").agg(open_to_risk=pl.len()), on="kind", how="left")
            .join(first.join(at_once, on=key).group_by("kind").agg(at_once=pl.len()), on="kind", how="left")
            .join(
                named.group_by("kind").agg(
                    named=pl.col("symbol").n_unique(), checks=pl.col("check").unique().sort().str.join(", ")
                ),
                on="kind",
                how="left",
                maintain_order="left",
            )
            .with_columns(
                pl.col("accepted", "open_to_risk", "at_once", "named").fill_null(0),
                pl.col("checks").fill_null("none"),
            )
        )


@pytest.fixture(scope="module")
def suite(market: RecordedMarket, alarms: pl.DataFrame) -> Suite:
    return Suite.of(market, alarms)


def test_the_recorded_market_raises_few_alarms_and_what_is_wrong_in_it_is_named(market, alarms):
    cells = {*alarms.select("symbol", "session").iter_rows()}
    assert cells >= {*REAL_FAULTS}
    assert len(cells) / market.bars.height * 1000 < 0.2
    steps = alarms.filter(pl.col("check") == "price_step")
    false = {*steps.select("symbol", "session").iter_rows()} - {*REAL_FAULTS}
    assert false == {("TVIX", date(2016, 6, 24)), ("XIV", date(2016, 6, 24))}, (
        "funds on volatility, after a referendum"
    )


def test_nine_kinds_of_ten_are_named(suite):
    assert suite.table.height == len(KINDS) + 1
    print(suite.table)
    named = suite.table.filter(pl.col("named") >= 0.75 * pl.col("names"))
    assert {*suite.table["kind"]} - {*named["kind"]} == {"missing dividend adjustment x0.98, 1 day"}
    assert suite.table["named"].sum() / suite.table["names"].sum() > 0.95


def test_nothing_is_named_that_was_not_planted_but_the_way_back(suite):
    around = suite.cells.group_by("symbol").agg(first=pl.col("session").min(), last=pl.col("session").max())
    elsewhere = suite.named.join(around, on="symbol", how="left").filter(
        ~pl.col("session").is_between("first", pl.col("last").dt.offset_by("8d")).fill_null(value=False)
    )
    assert elsewhere.is_empty()


def test_a_level_that_stays_keeps_its_symbol_restricted(suite):
    stays = [kind.name for kind in KINDS if kind.sessions == 0]
    rows = suite.table.filter(pl.col("kind").is_in(stays))
    assert rows.height == 11
    assert rows["open_to_risk"].sum() < 0.03 * rows["accepted"].sum()
    assert rows.filter(pl.col("at_once") < pl.col("names") - 1).is_empty(), rows


def test_the_documented_table_is_what_was_measured(suite, alarms, tmp_path):
    text = as_markdown(suite, alarms)
    (tmp_path / "table.md").write_text(text)
    assert text in DOCUMENT.read_text(), f"{DOCUMENT} has another table than {tmp_path / 'table.md'}"


def as_markdown(suite: Suite, alarms: pl.DataFrame) -> str:
    table, bars = suite.table, suite.market.bars.height
    rows = [
        f"| {row['kind']} | {row['bad_bars']} | {row['accepted']} | {row['open_to_risk']} | {row['at_once']} of {row['names']} "
        f"| {row['named']} of {row['names']} | {row['checks']} |"
        for row in table.iter_rows(named=True)
    ]
    key = ["symbol", "session"]
    named, own = suite.named.select(key).unique(), alarms.select(key).unique()
    bad = named.join(suite.cells, on=key, how="semi").height
    header = (
        "| kind | bad bars | accepted | of these open to new risk | named on the first evening | named | checks |",
        "|---|---|---|---|---|---|---|",
    )
    told = (
        f"Recall: {table['named'].sum()} of {table['names'].sum()} planted faults are named.",
        f"Precision: {bad} of the {named.height + own.height} named symbol-sessions are bad bars, {named.height - bad} the way back",
        f"within eight days after them, and {own.height} the recorded market's own, of which {len(REAL_FAULTS)} are real steps.",
        f"Alarms in the recorded market as it is: {own.height} of {bars:,} symbol-sessions, {own.height / bars * 1000:.2f} per 1,000.",
    )
    return "\n".join((*header, *rows, "", *told, ""))


@pytest.mark.parametrize(("factor", "least"), [(0.3, 0.95), (0.5, 0.85)])
def test_a_session_that_was_fetched_before_it_ended_is_named(market, factor, least):
    sessions = market.sessions[LOOK_BACK_SESSIONS::15]
    named = 0
    for session in sessions:
        part = pl.when(pl.col("session") == session).then(factor).otherwise(1.0)
        known = market.bars.filter(pl.col("session") <= session).with_columns(pl.col("volume") * part)
        [verdict] = market.checked(Consolidated(known, known.clear()), [session], ["volume_collapse"])
        named += verdict.is_blocking and "fetched before the session ended?" in verdict.findings["value"][0]
    assert named / len(sessions) >= least


def test_no_real_session_is_taken_for_one_that_did_not_end(market):
    result = Consolidated(market.bars, market.bars.clear())
    [verdict] = market.checked(result, market.sessions[LOOK_BACK_SESSIONS:], ["volume_collapse"])
    assert not verdict.is_blocking

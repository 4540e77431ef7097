"""Backtests on an installation: the same decisions as live, recorded every one, told to people and programs."""

from __future__ import annotations

import json

import pytest

from trading_assets.research.backtests import past_market, run_backtest
from trading_assets.research.plan_in_force import load_plan
from trading_assets.sessions import shift
from trading_assets.tables.features import DAILY_FEATURES


@pytest.fixture(scope="module")
def opened(install, traded_sessions):
    """An installation that traded some sessions, with its services."""
    installation = install(traded_sessions)
    with installation.opened() as platform:
        yield installation, platform


LIVE = """
select t.session, t.symbol, t.quantity, t.current_quantity, t.reference_price_usd, t.outcome, t.rule, t.reason
from target_positions t order by 1, 2
"""


def test_a_backtest_decides_what_was_decided_live_row_by_row(opened):
    _, platform = opened
    live = platform.database.fetch(LIVE)
    sessions = sorted({row[0] for row in live})
    assert len(sessions) >= 2
    assert {"trade", "hold"} <= {row[5] for row in live}
    market = past_market(platform.database, platform.lake, sessions[0], sessions[-1])
    decided = run_backtest(
        market, load_plan(platform.settings.strategies), keeps_decisions=True
    ).result.decisions
    assert [row for decision in decided for row in decision.rows()] == live


def test_the_command_answers_for_people_and_programs_and_records_every_backtest(opened, tmp_path):
    installation, platform = opened
    sessions = platform.lake.sessions(DAILY_FEATURES)
    begin = sessions[-40].isoformat()
    told = json.loads(installation.command("backtest", "momentum", "--start", begin, "--json").stdout)
    assert (told["start"], told["end"]) == (begin, sessions[-1].isoformat())
    figures = told["figures"]
    assert figures["final_equity_usd"] == pytest.approx(100_000 * (1 + figures["total_return_frac"]))
    assert figures["gross_return_frac"] > figures["total_return_frac"]
    assert figures["trades"] + figures["open_trades"] > 0
    assert figures["trials"] == 1
    swept = installation.command(
        "backtest", "momentum", "--start", begin, "--sweep", "entry_rank=3,6", "--sweep", "hold_rank_multiple=1.5,3",
        "--walk-forward", "2", "--monte-carlo", "50",
    ).stdout  # fmt: skip
    said = " ".join(swept.split())
    assert "4 backtests, the best Sharpe ratio first" in said
    assert "5 sets of parameters, limits and costs were tried of it so far" in said
    assert "Walking forward from" in said
    assert "50 other orders of the returns" in said
    file = tmp_path / "report.html"
    installation.command("backtest", "momentum", "--start", begin, "--html", str(file))
    sheet = file.read_text(encoding="utf-8")
    assert "momentum" in sheet
    assert "one_by_one" in sheet, "the checks of the strategy"
    assert "features " + told["data_hash"] in sheet
    rows = json.loads(
        installation.command(
            "sql", "select study, parameters from backtests order by run_at", "--json"
        ).stdout
    )
    assert [row["study"] for row in rows] == ["backtest", *["walk_forward"] * 4, "backtest"]
    stored = installation.command("sql", "select figures, trial_hash from backtests", "--json").stdout
    assert not [row for row in json.loads(stored) if "trials" in json.loads(row["figures"])]
    assert len({row["trial_hash"] for row in json.loads(stored)}) == 5
    tried = [json.loads(row["parameters"])["momentum"] for row in rows]
    assert [(own["entry_rank"], own["hold_rank_multiple"]) for own in tried[1:5]] == [
        (3, 1.5),
        (3, 3),
        (6, 1.5),
        (6, 3),
    ]


def test_the_tear_sheet_of_one_session_says_that_nothing_could_be_checked(opened, tmp_path):
    installation, platform = opened
    last, file = platform.lake.sessions(DAILY_FEATURES)[-1].isoformat(), tmp_path / "one.html"
    installation.command("backtest", "ma_crossover", "--start", last, "--end", last, "--html", str(file))
    sheet = file.read_text(encoding="utf-8")
    assert "could not be checked whether a decision knew the future" in sheet
    assert "may have known the future" not in sheet


def test_a_start_before_the_look_back_is_full_is_told(opened):
    installation, platform = opened
    first = platform.lake.sessions(DAILY_FEATURES)[0]
    told = json.loads(
        installation.command("backtest", "momentum", "--start", first.isoformat(), "--json").stdout
    )
    assert any("The first signal is of" in caveat and "--start" in caveat for caveat in told["caveats"])


def test_values_with_commas_are_swept_and_an_account_of_a_dollar_is_told_that_it_buys_nothing(opened):
    installation, platform = opened
    begin = platform.lake.sessions(DAILY_FEATURES)[-10].isoformat()
    told = json.loads(
        installation.command(
            "backtest", "screen", "--start", begin, "--cash", "1", "--json",
            "--sweep", "entry=price above 5, top 3 by market cap|price above 6, top 4 by market cap",
        ).stdout
    )  # fmt: skip
    assert [run["parameters"] for run in told["trials"]] == [
        "entry price above 5, top 3 by market cap",
        "entry price above 6, top 4 by market cap",
    ]
    assert (told["overfitting"], told["plateau"]) == (None, None)
    assert any("Nothing could be bought" in caveat and "--cash" in caveat for caveat in told["caveats"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("momento",), ["No strategy 'momento'", "momentum"]),
        (("momentum", "--param", "entry_ran=5"), ["entry_ran"]),
        (("momentum", "--param", "entry_rank"), ["a parameter such as entry_rank=10"]),
        (("momentum", "--walk-forward", "3"), ["--sweep"]),
        (("plan", "--param", "entry_rank=5"), ["one strategy"]),
        (("plan", "--sweep", "entry_rank=5,6"), ["--sweep", "one strategy"]),
        (
            ("momentum", "--start", "2031-01-02"),
            ["--start 2031-01-02 lies after the newest session with features, 2"],
        ),
        (("momentum", "--end", "1990-01-02"), ["There are no features between"]),
        (("momentum", "--cash", "inf"), ["Invalid value for '--cash'", "less than or equal"]),
        (("momentum", "--cash", "nan"), ["Invalid value for '--cash'"]),
        (("momentum", "--slippage-bps", "inf"), ["'--slippage-bps'", "less than or equal"]),
        (("momentum", "--slippage-bps", "10001"), ["'--slippage-bps'", "less than or equal"]),
        (("momentum", "--monte-carlo", "100001"), ["'--monte-carlo'", "less than or equal"]),
        (("momentum", "--param", "entry_rank=5", "--sweep", "entry_rank=5,6"), ["in --param and in --sweep"]),
        (("momentum", "--sweep", "entry_rank=5,6,5"), ["entry_rank has 5 twice"]),
        (("momentum", "--start", "2024-05-02", "--end", "2024-05-01"), ["lies after"]),
        (("momentum", "--sweep", "entry_rank=" + ",".join(map(str, range(1, 1200)))), ["too many"]),
    ],
)
def test_wrong_use_is_told(opened, arguments, words):
    installation, _ = opened
    answer = installation.command("backtest", *arguments, exit_code=2)
    said = " ".join(answer.stderr.split())
    assert all(word in said for word in words), said
    assert "Traceback" not in said


def test_the_same_backtest_again_gives_the_same_numbers_on_the_same_data(opened):
    _, platform = opened
    last = platform.lake.sessions(DAILY_FEATURES)[-1]
    market = past_market(platform.database, platform.lake, shift(last, -30), last)
    plan = load_plan(platform.settings.strategies)
    one, two = (run_backtest(market, plan) for _ in range(2))
    assert one.curves.equity_usd.tolist() == two.curves.equity_usd.tolist()
    assert one.result.portfolio.fills == two.result.portfolio.fills
    assert past_market(platform.database, platform.lake, shift(last, -30), last).data_hash == market.data_hash

"""The simulator's section of Operations, over a real simulator process: what is switched on there is what vendors answer."""

from __future__ import annotations

import pytest
import requests

from resources.services.simulator_admin import SimulatorAdmin
from trading_assets.errors import ConfigurationError, TransientError

BARS = "/v2/aggs/ticker/SPY/range/1/day/2024-04-29/2024-05-01"


@pytest.fixture(scope="module")
def simulated(start_simulator):
    return start_simulator(seed=7, symbols=8, years=1, at="2024-05-01T22:00:00Z")


@pytest.fixture
def open_section(open_page, migrated_postgres, simulated, tmp_path):
    """Open the section on a data folder without a market, beside a simulator that runs already."""
    (tmp_path / "data" / "lake").mkdir(parents=True)
    admin = SimulatorAdmin(simulated.base_url)
    admin.clean("faults")
    admin.clean("dirt")

    def run(sim_url=simulated.base_url, **query):
        variables = {"TRADING_DATABASE_URL": migrated_postgres, "TRADING_SIM_URL": sim_url}
        return open_page(
            "Operations", tmp_path / "data", variables=variables, op_section="Simulator", **query
        )

    return run


def ask(simulated, path=BARS):
    return requests.get(f"{simulated.base_url}{path}", params={"apiKey": "k"}, timeout=30)


def words(app) -> str:
    return "\n".join(
        str(item.value) for kind in (app.markdown, app.caption, app.info, app.warning) for item in kind
    )


def test_the_clock_and_the_market_are_those_of_the_simulator(open_section, simulated):
    app = open_section()
    assert not app.exception
    health = SimulatorAdmin(simulated.base_url).health()
    assert health.market == {"kind": "synthetic", "seed": 7, "symbols": 8}
    assert "**synthetic**  \nseed 7 · symbols 8" in words(app)
    assert "**2024-05-01 17:00 CDT**" in words(app)
    assert f"**{health.first_session} to {health.last_session}**" in words(app)


def test_a_429_that_is_switched_on_answers_the_next_vendor_request_until_it_is_removed(
    open_section, simulated
):
    app = open_section(op_sim_faults_kind="429")
    app.selectbox(key="op_sim_faults_vendor").select("polygon")
    app.number_input(key="op_sim_times").set_value(5)
    app.number_input(key="op_sim_wait").set_value(7.0)
    app.button(key="op_sim_fault_on").click().run()
    assert not app.exception
    refused = ask(simulated)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    app.run()
    assert "Requests that match: 1 seen, 1 of 5 used" in words(app)
    app.button(key="op_sim_faults_1").click().run()
    assert not app.exception
    assert "1 of 5 used" not in words(app)
    assert ask(simulated).status_code == 200


def test_only_the_fields_that_a_kind_uses_are_asked_for(open_section):
    app = open_section(op_sim_faults_kind="slow", op_sim_dirt_kind="missing_hour")
    keys = {item.key for item in app.number_input}
    assert {"op_sim_seconds", "op_sim_hour"} <= keys
    assert not {"op_sim_wait", "op_sim_factor"} & keys
    assert "nothing for `seconds`, then the right answer" in words(app)


def test_a_rule_that_is_refused_is_told_in_the_endpoints_words(open_section, simulated):
    app = open_section(op_sim_dirt_kind="phantom_split")
    app.text_input(key="op_sim_match").set_value("(")
    app.button(key="op_sim_fault_on").click().run()
    told = requests.post(
        f"{simulated.base_url}/sim/faults", json={"kind": "429", "match": "("}, timeout=30
    ).json()["error"]
    assert [item.value for item in app.error] == [told]
    app.button(key="op_sim_dirt_on").click().run()
    assert app.error[0].value.startswith("phantom_split needs symbol and session")
    assert not SimulatorAdmin(simulated.base_url).planted("dirt").rules


def test_wrong_data_that_are_planted_change_the_vendors_bars_until_they_are_cleaned(open_section, simulated):
    right = ask(simulated).json()["results"]
    app = open_section(op_sim_dirt_kind="price_x10")
    app.selectbox(key="op_sim_dirt_vendor").select("polygon")
    app.text_input(key="op_sim_symbol").set_value("SPY")
    app.date_input(key="op_sim_session").set_value("2024-04-30")
    app.button(key="op_sim_dirt_on").click().run()
    assert not app.exception
    wrong = ask(simulated).json()["results"]
    assert [round(bad["c"] / good["c"]) for bad, good in zip(wrong, right, strict=True)] == [1, 10, 1]
    app.run()
    assert "**price_x10** · polygon · SPY · 2024-04-30" in words(app)
    assert "Answers changed: 1" in words(app)
    app.button(key="op_sim_dirt_none").click().run()
    assert not app.exception
    assert ask(simulated).json()["results"] == right


def test_a_simulator_that_does_not_answer_is_told_with_what_to_do(open_section):
    app = open_section(sim_url="http://127.0.0.1:9")
    assert not app.exception
    assert "The market simulator does not answer" in words(app)
    assert "trading-assets simulate" in words(app)
    assert not app.selectbox
    assert app.button(key="op_sim_again").label == "Look again"


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_with_a_real_account_there_is_nothing_to_switch(
    open_page, migrated_postgres, tmp_path, monkeypatch, mode
):
    from app.queries import simulator

    (tmp_path / "data" / "lake").mkdir(parents=True)
    variables = {"TRADING_DATABASE_URL": migrated_postgres, "TRADING_MODE": mode}
    if mode == "live":
        variables["TRADING_LIVE_ACCOUNT"] = "123456789"
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "POLYGON_API_KEY"):
        monkeypatch.setenv(name, "planted")
    app = open_page("Operations", tmp_path / "data", variables=variables, op_section="Simulator")
    assert not app.exception
    sections = app.segmented_control(key="op_section")
    assert sections.value == "Coverage"
    assert "Simulator" not in sections.options
    assert not [item.key for item in app.button if "op_sim" in str(item.key)]
    with pytest.raises(ConfigurationError, match="sim only"):
        simulator.plant("faults", {"kind": "429", "match": "."})


def test_checks_that_only_warn_are_named_above_the_findings(
    open_page, migrated_postgres, simulated, tmp_path
):
    (tmp_path / "data" / "lake").mkdir(parents=True)
    thresholds = tmp_path / "quality.yaml"
    thresholds.write_text("warn_only: [stale_price, completeness]\n")
    variables = {
        "TRADING_DATABASE_URL": migrated_postgres,
        "TRADING_SIM_URL": simulated.base_url,
        "TRADING_QUALITY": str(thresholds),
    }
    app = open_page("Operations", tmp_path / "data", variables=variables, op_section="Findings")
    assert not app.exception
    assert "blocking nothing: `completeness`, `stale_price`." in words(app)
    thresholds.write_text("warn_only: []\n")
    assert "blocking nothing" not in words(app.run())


def test_only_a_simulator_on_this_machine_is_switched():
    with pytest.raises(ConfigurationError, match="this machine only"):
        SimulatorAdmin("http://192.0.2.1:9009")


def test_something_else_on_the_port_is_not_taken_for_a_simulator(simulated):
    with pytest.raises(TransientError, match="no market simulator of this version"):
        SimulatorAdmin(f"{simulated.base_url}/v2").health()

"""Every page on an installation that traded, on an empty folder, and without its database."""

from __future__ import annotations

import polars as pl
import pytest

from trading_assets.tables.companies import COMPANY_TABLES

PAGES = ("Portfolio", "Analysis", "Screener", "Operations")


def texts(app) -> str:
    kinds = (
        app.markdown,
        app.caption,
        app.info,
        app.error,
        app.success,
        app.warning,
        app.subheader,
        app.title,
        app.code,
    )
    return "\n".join(str(item.value) for kind in kinds for item in kind)


def chart_rows(app) -> pl.DataFrame:
    """Return the rows of the first chart as they are sent to the browser."""
    chart = app.get("vega_lite_chart")[0].proto
    sent = chart.data.data or chart.datasets[0].data.data
    return pl.read_ipc_stream(sent)


@pytest.fixture(scope="module")
def market(traded):
    """The settings of the installation, whose services run while the pages are looked at."""
    with traded.opened():
        yield {name: value for name, value in traded.environment().items() if name.startswith("TRADING_")}


def test_the_portfolio_shows_equity_positions_orders_and_the_comparison_with_the_broker(
    open_page, traded, market
):
    app = open_page("Portfolio", traded.data, variables=market)
    assert not app.exception
    assert [item.label for item in app.metric] == [
        "Equity",
        "Day P&L",
        "Total P&L",
        "Drawdown",
        "Cash",
        "Exposure",
    ]
    assert [item.value for item in app.subheader] == [
        "Equity and drawdown", "Positions", "Strategies", "Orders and fills", "Reconciliation with the broker", "Risk",
    ]  # fmt: skip
    assert len(app.get("vega_lite_chart")) == 3
    assert len(app.dataframe) == 6
    assert "positions agree" in app.success[0].value
    with traded.opened() as platform:
        held = platform.database.fetch(
            "select symbol, quantity, market_value_usd from positions where quantity <> 0"
            " and session = (select max(session) from positions)"
        )
        equity = platform.database.fetch(
            "select equity_usd from portfolio_performance order by session desc limit 1"
        )
    assert app.metric[0].value == f"${equity[0][0]:,.0f}"
    shown = app.dataframe[0].value
    assert {link.rpartition("=")[2] for link in shown["symbol"]} == {symbol for symbol, _, _ in held}
    assert shown["market_value_usd"].sum() == pytest.approx(float(sum(value for _, _, value in held)))


def test_the_download_of_the_risk_section_has_every_metric(open_page, traded, market):
    app = open_page("Portfolio", traded.data, variables=market)
    with traded.opened() as platform:
        ((stored,),) = platform.database.fetch(
            "select count(*) from risk_metrics where session = (select max(session) from risk_metrics)"
        )
    (shown,) = [len(table.value) for table in app.dataframe if "method" in table.value.columns]
    (help_,) = [one.proto.help for one in app.get("download_button") if "pf_risk_csv" in one.proto.id]
    assert shown < stored
    assert help_ == f"{stored} rows, all columns"


def test_the_analysis_of_a_linked_symbol_shows_its_chart_and_source(open_page, traded, market):
    app = open_page("Analysis", traded.data, variables=market, symbol="SPY")
    assert not app.exception
    assert app.selectbox(key="an_symbol").value == "SPY"
    chart = app.get("vega_lite_chart")[0]
    assert '"name": "win"' in chart.proto.spec
    assert "split" in chart.proto.spec
    assert "known since 2024-05-0" in texts(app)


def test_the_features_of_a_symbol_open_by_their_address(open_page, traded, market):
    app = open_page("Analysis", traded.data, variables=market, symbol="SPY", an_tab="Features")
    assert not app.exception
    assert app.dataframe[0].value["feature"].tolist()[0] == "close"


def test_the_bars_of_a_session_stand_side_by_side_with_the_batches_they_came_from(open_page, traded, market):
    app = open_page("Analysis", traded.data, variables=market, symbol="SPY", an_tab="Sources")
    assert not app.exception
    shown = app.dataframe[0].value.set_index("layer")
    assert shown.index[0] == "Consolidated"
    assert set(shown.index) == {"Consolidated", "Polygon", "Yahoo", "Alpaca"}
    assert (shown["state"] == "● used").sum() == 2, "the consolidated bar and the one it was taken from"
    used = shown[shown["state"] == "● used"]
    assert used["close"].nunique() == 1
    assert all(batch.startswith(f"{layer.lower()}-daily_bars-") for layer, batch in shown["batch_id"].items() if layer != "Consolidated")  # fmt: skip


@pytest.mark.parametrize("prices", ["Adjusted", "Split-adjusted", "As traded"])
def test_prices_are_shown_as_asked_for(open_page, traded, market, prices):
    from trading_assets.tables.daily import DAILY_BARS
    from trading_assets.tables.listings import CORPORATE_ACTIONS

    with traded.opened() as platform:
        paid = platform.lake.scan(CORPORATE_ACTIONS).filter(pl.col("kind") == "cash_dividend").collect()
        symbol = paid["symbol"].mode().sort()[0]
        raw = platform.lake.scan(DAILY_BARS, symbols=[symbol]).sort("session").collect()
    app = open_page("Analysis", traded.data, variables=market, symbol=symbol, an_price=prices)
    assert not app.exception
    frame = chart_rows(app)
    first = raw["close"][-frame.height]
    assert (frame["close"][0] == pytest.approx(first, rel=1e-5)) == (prices != "Adjusted")
    assert frame["close"][-1] == pytest.approx(raw["close"][-1], rel=1e-5)
    assert "D" in frame["event"].drop_nulls().to_list(), "the dividends are marked"


def test_before_anything_was_known_nothing_is_shown(open_page, traded, market):
    app = open_page("Analysis", traded.data, variables=market, symbol="SPY", an_known="2001-01-02T10:00")
    assert not app.exception
    assert "As known at 2001-01-02 10:00 CST" in texts(app)
    assert not app.get("vega_lite_chart")
    assert "No accepted bar of SPY was known then" in texts(app)


def test_an_unknown_symbol_in_the_address_is_named_and_another_one_shown(open_page, traded, market):
    app = open_page("Analysis", traded.data, variables=market, symbol="NOSUCH")
    assert not app.exception
    assert "NOSUCH" in app.warning[0].value
    assert app.get("vega_lite_chart")


def test_choosing_another_symbol_changes_the_address(open_page, traded, market):
    app = open_page("Analysis", traded.data, variables=market, symbol="SPY")
    other = next(option for option in app.selectbox(key="an_symbol").options if not option.startswith("SPY"))
    app.selectbox(key="an_symbol").select(other.partition(" ")[0]).run()
    assert not app.exception
    assert app.selectbox(key="an_symbol").value == other.partition(" ")[0]
    assert app.query_params["symbol"] in (other.partition(" ")[0], [other.partition(" ")[0]])


def test_any_indicators_and_scale_can_be_chosen(open_page, traded, market):
    app = open_page("Analysis", traded.data, variables=market, symbol="SPY")
    app.session_state.an_indicators = ["sma_20", "ema_26", "bb_upper", "atr_14", "beta_252"]
    app.session_state.an_price = "As traded"
    app.session_state.an_log = True
    app.session_state.an_range_daily = "YTD"
    app.run()
    assert not app.exception
    spec = app.get("vega_lite_chart")[0].proto.spec
    assert "as traded" in spec
    assert '"log"' in spec
    assert "rsi_14" not in spec
    assert r'"ATR \u00b7 USD"' in spec
    assert chart_rows(app)["beta_252"].drop_nulls().len() > 0


def test_operations_shows_how_far_every_table_goes_and_should_go(open_page, traded, market):
    app = open_page("Operations", traded.data, variables=market, op_section="Tables")
    assert not app.exception
    assert "No trading halt is in force" in texts(app)
    tables = app.dataframe[0].value.set_index("table")
    assert {"daily_bars", "daily_features", "signals", "fills", "portfolio_performance"} <= set(tables.index)
    assert tables.loc["daily_bars", "state"] == "● fresh"
    assert str(tables.loc["daily_bars", "latest_session"])[:10] == "2024-05-06"
    assert str(tables.loc["daily_bars", "expected_session"])[:10] == "2024-05-06"
    assert tables.loc["polygon_daily_bars", "batch_id"].startswith("polygon-daily_bars-")
    assert tables.loc["fills", "state"] == "● as it happens"
    assert set(tables["state"]) <= {"● fresh", "● as it happens", "● not used", "▼ never"}, (
        "nothing is behind after a run"
    )
    never = set(tables.index[tables["state"] == "▼ never"])
    assert {name for name in never if "hourly" not in name} == set(COMPANY_TABLES), (
        "hours and snapshots run apart"
    )
    assert tables.loc["daily_bars", "dagster"].endswith("/assets/daily_bars")


@pytest.mark.parametrize("source", ["Consolidated", "Polygon", "Yahoo", "Alpaca"])
def test_operations_counts_the_bars_of_each_source_against_the_listed_symbols(
    open_page, traded, market, source
):
    app = open_page("Operations", traded.data, variables=market, op_source=source, op_span="1M")
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 2
    with traded.opened() as platform:
        from trading_assets.tables.daily import DAILY_BARS, VENDOR_DAILY_BARS
        from trading_assets.tables.listings import UNIVERSE

        table = VENDOR_DAILY_BARS.get(source.lower(), DAILY_BARS)
        newest = max(platform.lake.sessions(DAILY_BARS))
        listed = platform.lake.scan(UNIVERSE, start=newest, end=newest, columns=["symbol"]).collect()
        bars = platform.lake.scan(table, start=newest, end=newest, columns=["symbol"]).collect()
    lacking = set(listed["symbol"]) - set(bars["symbol"])
    assert f"Newest session: {len(lacking)} of {listed.height} missing" in texts(app)


@pytest.mark.parametrize("section", ["Coverage", "Tables", "Findings", "Vendors", "Runs", "Simulator"])
def test_every_section_of_operations_opens_by_its_address(open_page, traded, market, section):
    app = open_page("Operations", traded.data, variables=market, op_section=section)
    assert not app.exception
    assert app.segmented_control(key="op_section").value == section
    assert len(app.metric) >= 4


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_which_money_it_shows_and_whether_the_data_are_current(
    open_page, traded, market, page
):
    app = open_page(page, traded.data, variables=market)
    shown = texts(app)
    assert "SIMULATED MARKET" in shown
    assert "Data current: Mon 06 May 2024" in shown


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_folder_says_what_to_do_and_stays_empty(open_page, tmp_path, page):
    app = open_page(page, tmp_path / "data")
    assert not app.exception
    assert "Nothing was run here yet" in texts(app)
    assert app.code[0].value == "trading-assets up"
    assert not (tmp_path / "data").exists(), "looking must not start services"


def test_a_database_that_does_not_answer_is_shown_with_cause_and_fix(open_page, tmp_path):
    (tmp_path / "data" / "lake").mkdir(parents=True)
    app = open_page(
        "Portfolio",
        tmp_path / "data",
        variables={"TRADING_DATABASE_URL": "postgresql://me@127.0.0.1:1/trading"},
    )
    assert not app.exception
    assert "Postgres" in app.error[0].value
    assert "trading-assets doctor" in texts(app)
    assert app.button[0].label == "Try again"


def test_a_wrong_setting_is_shown_with_its_name(open_page, tmp_path):
    app = open_page("Portfolio", tmp_path / "data", variables={"TRADING_USER_TIMEZONE": "Mars/Olympus"})
    assert not app.exception
    assert "USER_TIMEZONE" in app.error[0].value


@pytest.mark.parametrize(
    ("mode", "words"), [("paper", "PAPER ACCOUNT"), ("live", "LIVE MONEY")], ids=["paper", "live"]
)
def test_real_accounts_are_told_apart_from_the_simulator(open_page, tmp_path, mode, words):
    account = {"TRADING_LIVE_ACCOUNT": "123456789"} if mode == "live" else {}
    app = open_page("Portfolio", tmp_path / "data", variables={"TRADING_MODE": mode, **account})
    assert words in texts(app)
    assert bool(app.error) == (mode == "live")

"""Every page in a real browser: light and dark, with data and on an empty folder; the chart answers to the mouse."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

PATHS = {"Portfolio": "/", "Analysis": "/analysis", "Screener": "/screener", "Operations": "/operations"}
CHARTS = {"Portfolio": 3, "Analysis": 1, "Screener": 0, "Operations": 2}
STRIP = """([left, top, width, height]) => {
  const canvas = document.querySelector('[data-testid=stVegaLiteChart] canvas')
  const scale = canvas.width / canvas.clientWidth
  const copy = new OffscreenCanvas(width * scale, height * scale)
  const context = copy.getContext('2d', {willReadFrequently: true})
  context.drawImage(canvas, -left * scale, -top * scale)
  const data = context.getImageData(0, 0, copy.width, copy.height).data
  let hash = 0
  for (let i = 0; i < data.length; i++) hash = (hash * 31 + data[i]) | 0
  return hash
}"""


@pytest.fixture(scope="module")
def empty_app(chromium, install, serve):
    return serve(install(None, to_the_end=True).environment())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PATHS)
def test_a_page_with_data_draws_its_charts_within_their_room(app, visit, page, theme):
    window = visit(theme)
    window.open(app.url + PATHS[page])
    assert window.page.locator("h1").inner_text() == page
    for chart in window.charts(CHARTS[page]):
        assert chart["width"] <= chart["room"] + 8, "a chart runs over its edge"
    assert window.page.get_by_text("SIMULATED MARKET").first.is_visible()
    assert window.page.get_by_text("Data current: Mon 06 May 2024").first.is_visible()
    assert window.page.locator("[data-testid=stException]").count() == 0
    background = window.page.locator("[data-testid=stApp]").evaluate(
        "app => getComputedStyle(app).backgroundColor"
    )
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 20, 27)"}[theme]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PATHS)
def test_a_page_on_an_empty_folder_says_what_to_do(empty_app, visit, page, theme):
    window = visit(theme)
    window.open(empty_app.url + PATHS[page])
    window.page.get_by_text("Nothing was run here yet").wait_for(timeout=20_000)
    assert window.page.locator("h1").inner_text() == page
    assert window.page.locator("code", has_text="trading-assets up").first.is_visible()


def test_the_mouse_reads_a_bar_and_the_overview_moves_the_window(app, visit):
    window = visit(height=1400)  # the whole chart in sight
    window.open(f"{app.url}/analysis?symbol=SPY")
    window.charts(1)
    canvas = window.page.locator("[data-testid=stVegaLiteChart] canvas")
    size = canvas.bounding_box()
    readout = [0, 16, 600, 30]
    before = window.page.evaluate(STRIP, readout)
    window.page.mouse.move(size["x"] + 200, size["y"] + 180)
    window.page.wait_for_timeout(300)
    assert window.page.evaluate(STRIP, readout) != before, "the readout does not follow the mouse"

    window.page.get_by_text("1M", exact=True).click()
    window.page.wait_for_timeout(1500)
    window.charts(1)
    size = canvas.bounding_box()
    candles = [0, 80, int(size["width"]) - 10, 250]
    window.page.mouse.move(size["x"] + 5, size["y"] - 5)
    window.page.wait_for_timeout(200)
    before = window.page.evaluate(STRIP, candles)
    bottom = size["y"] + size["height"] - 20
    window.page.mouse.move(size["x"] + 100, bottom)
    window.page.mouse.down()
    window.page.mouse.move(size["x"] + 260, bottom, steps=5)
    window.page.mouse.up()
    window.page.wait_for_timeout(300)
    assert window.page.evaluate(STRIP, candles) != before, (
        "dragging in the overview does not choose the period"
    )


def test_a_symbol_of_the_portfolio_leads_to_its_chart(app, traded, visit):
    with traded.opened() as platform:
        [(symbol,)] = platform.database.fetch(
            "select symbol from fills order by executed_at desc, symbol limit 1"
        )
    window = visit()
    window.open(f"{app.url}/analysis?symbol={symbol}")
    window.charts(1)
    chosen = window.page.locator(".st-key-an_symbol input, .st-key-an_symbol [data-baseweb=select]").first
    assert symbol in (chosen.get_attribute("value") or chosen.inner_text())
    window.page.get_by_role("tab", name="Our fills").click()
    panel = window.page.get_by_role("tabpanel", name="Our fills")
    panel.locator("[data-testid=stDataFrame]").wait_for(timeout=10_000)


def test_navigation_keeps_to_one_session_and_shows_every_page(app, visit):
    window = visit()
    window.open(app.url)
    window.charts(3)
    for page in ("Analysis", "Screener", "Operations", "Portfolio"):
        window.page.get_by_role("link", name=page, exact=True).click()
        window.page.locator("h1", has_text=page).wait_for(timeout=20_000)
        window.charts(CHARTS[page])


@pytest.mark.parametrize(
    ("path", "count", "words"),
    [
        ("/operations?op_section=Tables", 0, "behind ·"),
        ("/operations?op_section=Findings", None, "finding"),
        ("/operations?op_section=Vendors", None, "Fetches"),
        ("/operations?op_section=Runs", 0, "Session runs"),
        ("/operations?op_grain=Hourly", None, "hourly bars"),
        ("/analysis?symbol=SPY&an_bars=Hourly", None, "SPY"),
        ("/analysis?symbol=SPY&an_price=As%20traded&an_tab=Sources", 1, "sources on"),
        ("/analysis?symbol=SPY&an_tab=Company", None, "SPY"),
        ("/analysis?symbol=SPY&an_known=2001-01-02T10:00", 0, "As known at 2001-01-02 10:00 CST"),
    ],
    ids=["tables", "findings", "vendors", "runs", "hours covered", "hours", "sources", "company", "as known before"],
)  # fmt: skip
def test_every_part_of_a_page_opens_by_its_address(app, visit, path, count, words):
    window = visit("dark")
    window.open(app.url + path)
    window.settle()
    window.page.get_by_text(words).first.wait_for(timeout=20_000)
    assert window.page.locator("[data-testid=stException]").count() == 0
    if count is not None:
        window.charts(count)


def test_clicking_a_cell_of_the_coverage_lists_its_rows_and_its_session(app, visit):
    window = visit(height=1200)
    window.open(f"{app.url}/operations?op_span=3M")
    window.charts(2)
    before = window.page.url
    canvas = window.page.locator(".st-key-op_by_symbol canvas")
    size = canvas.bounding_box()
    window.page.mouse.click(size["x"] + size["width"] / 2, size["y"] + size["height"] / 3)
    only = window.page.get_by_role("button", name="Only ")
    only.wait_for(timeout=10_000)
    assert "op_session=" in window.page.url, f"the address does not follow: {before}"
    only.click()
    only.wait_for(state="detached", timeout=10_000)


def test_what_is_written_for_readers_of_the_code_is_not_on_a_page(app, visit):
    window = visit()
    window.open(app.url + PATHS["Portfolio"])
    assert "the first group has all others" not in window.page.inner_text("body")


def test_a_narrow_window_keeps_every_chart_inside(app, visit):
    window = visit()
    window.page.set_viewport_size({"width": 700, "height": 900})
    for page, path in PATHS.items():
        window.open(app.url + path)
        for chart in window.charts(CHARTS[page]):
            assert chart["width"] <= chart["room"] + 8, f"a chart of {page} runs over its edge"

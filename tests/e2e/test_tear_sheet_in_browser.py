"""The tear sheet in a real browser, opened as a file: it draws every chart, asks for nothing, follows the theme, and prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.unit.research.made_up_backtest import curves, made_up_sheet
from trading_assets.palette import palette
from trading_assets.research.tear_sheet import TearSheet, tear_sheet

pytestmark = pytest.mark.browser

ALL_DRAWN = "html[data-drawn=all]"
BOXES = """() => [...document.querySelectorAll('.chart')].map(box => {
  const edge = box.getBoundingClientRect(), drawing = box.querySelector('svg')
  const size = drawing.getBoundingClientRect()
  const beyond = [...drawing.querySelectorAll('text')].filter(text => {
    const room = text.getBoundingClientRect()
    return text.textContent && (room.left < edge.left - 2 || room.right > edge.right + 2)
  })
  const marks = drawing.querySelectorAll('.mark-line path, .mark-area path, .mark-rect path').length
  return {name: box.dataset.chart, room: edge.width, width: size.width, height: size.height, marks, cut: beyond.map(text => text.textContent)}
})"""
INK = """() => {
  const line = document.querySelector('[data-chart=drawdown] .mark-line path')
  return [getComputedStyle(document.body).backgroundColor, getComputedStyle(line).stroke]
}"""


@dataclass
class Opened:
    """A tear sheet in a window, with every complaint of the browser and every request that left."""

    page: object
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def opened(chromium, tmp_path: Path) -> Iterator[object]:
    contexts, windows = [], []

    def start(sheet: TearSheet, theme: str = "light", width: int = 1280) -> Opened:
        path = tmp_path / "sheet.html"
        path.write_text(tear_sheet(sheet), encoding="utf-8")
        context = chromium.new_context(
            color_scheme=theme, viewport={"width": width, "height": 900}, offline=True
        )
        contexts.append(context)
        window = Opened(context.new_page())
        windows.append(window)
        window.page.on("pageerror", lambda error: window.complaints.append(f"error: {error}"))
        window.page.on("console", lambda message: window.complaints.append(f"{message.type}: {message.text}"))
        window.page.on("request", lambda request: window.complaints.append(f"request: {request.url}"))
        window.page.goto(path.as_uri())
        window.page.locator(ALL_DRAWN).wait_for(state="attached", timeout=60_000)
        assert window.complaints.pop(0) == f"request: {path.as_uri()}"
        return window

    yield start
    for context in contexts:
        context.close()
    assert not [complaint for window in windows for complaint in window.complaints]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("dark", 700)])
def test_every_chart_is_drawn_within_its_room_in_the_colours_of_the_theme(opened, theme, width):
    window = opened(made_up_sheet(), theme, width)
    boxes = window.page.evaluate(BOXES)
    assert len(boxes) == 13
    for box in boxes:
        assert 0 < box["width"] <= box["room"] + 1, f"{box['name']} runs over its edge"
        assert box["height"] > 20
        assert box["marks"] > 0, f"{box['name']} is empty"
        assert box["cut"] == [], f"labels of {box['name']} are cut"
    assert window.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert window.page.evaluate(INK) == [rgb(palette(theme).paper), rgb(palette(theme).down)]


def test_paper_is_light_whatever_the_theme(opened):
    window = opened(made_up_sheet(), "dark")
    window.page.emulate_media(media="print", color_scheme="dark")
    assert window.page.evaluate(INK) == [rgb(palette("light").paper), rgb(palette("light").down)]


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_on_as_many_pages_as_it_has_parts(opened, paper):
    window = opened(made_up_sheet())
    printed = window.page.pdf(format=paper, prefer_css_page_size=True, print_background=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 9 <= pages <= 16, f"{pages} pages: charts or tables break where they should not"
    assert [box for box in window.page.evaluate(BOXES) if box["width"] > box["room"] + 1] == []


def test_no_chart_is_wider_than_the_paper_while_it_is_printed(opened):
    window = opened(made_up_sheet())
    window.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    widths = {box["name"]: box["width"] for box in window.page.evaluate(BOXES)}
    assert widths["equity"] == pytest.approx(690, abs=2)
    assert widths["exposure"] == pytest.approx(333, abs=2)
    window.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    for box in window.page.evaluate(BOXES):
        assert box["width"] == pytest.approx(box["room"], abs=2)


def test_the_mouse_reads_a_session_and_the_scale_can_be_changed(opened):
    window = opened(made_up_sheet())
    chart = window.page.locator("[data-chart^=equity]")
    chart.scroll_into_view_if_needed()
    size = chart.bounding_box()
    window.page.mouse.move(size["x"] + size["width"] / 2, size["y"] + size["height"] / 2)
    hint = window.page.locator("#hint")
    assert hint.is_visible()
    assert re.search(r"200[67].*Net of costs\s*\$[\d,]+.*SPY.*Before costs", hint.inner_text(), re.DOTALL)
    window.page.mouse.move(2, 2)
    assert not hint.is_visible()
    window.page.get_by_text("Log scale").click()
    window.page.locator("[data-drawn=equity_log] svg").wait_for()


def test_a_sheet_with_nothing_in_it_opens_without_a_complaint(opened):
    window = opened(TearSheet("Nothing", curves(0)))
    assert window.page.get_by_text("No trade was made.").first.is_visible()
    window = opened(replace(made_up_sheet(), curves=curves(1), bands=None))
    assert window.page.evaluate(BOXES)[0]["name"] == "equity"


def test_a_reason_that_is_a_script_is_not_run(opened):
    evil = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    sheet = made_up_sheet()
    window = opened(
        replace(sheet, caveats=[evil], sectors=dict.fromkeys(sheet.sectors, evil), benchmark=evil)
    )
    assert window.page.title() == sheet.title
    assert window.page.get_by_text(evil).first.is_visible()
    assert window.page.locator("img").count() == 0


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"

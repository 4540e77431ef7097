"""The Screener as somebody uses it for the first time: typing, reading what was understood, clicking, sharing the address."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from trading_assets.screener.filters import Comparison, Screen
from trading_assets.screener.screen_file import write_screen

pytestmark = pytest.mark.browser

CHIP = "[class*=st-key-scr_chip_] [data-testid=stPopoverButton]:visible"
COUNT = re.compile(r"([\d,]+) of ([\d,]+) symbols")


def open_screener(app, window, sentence: str = "") -> None:
    window.open(f"{app.url}/screener" + (f"?q={quote(sentence)}" if sentence else ""))
    window.settle()


def ask(window, sentence: str) -> None:
    box = window.page.locator(".st-key-q input")
    box.fill(sentence)
    box.press("Enter")
    window.settle()


def asked(window) -> str:
    return window.page.locator(".st-key-q input").input_value()


def counted(window) -> tuple[int, int]:
    words = window.page.get_by_text(COUNT).first.inner_text(timeout=20_000)
    passed, screened = COUNT.search(words).groups()
    return int(passed.replace(",", "")), int(screened.replace(",", ""))


def chips(window) -> list[str]:
    return window.page.locator(CHIP).all_inner_texts()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_typed_sentence_shows_its_chips_count_and_results_and_stays_in_the_address(app, visit, theme):
    window = visit(theme, height=1100)
    open_screener(app, window)
    everything, screened = counted(window)
    assert everything == screened
    ask(window, "RSI below 60 and price above 20")
    window.page.get_by_text("Understood as").wait_for(timeout=20_000)
    passed, of_all = counted(window)
    assert 0 < passed < of_all == screened
    assert ["removes" in chip for chip in chips(window)] == [True, True]
    table = window.page.locator(".st-key-scr_answer [data-testid=stDataFrame]")
    table.wait_for(timeout=20_000)
    assert parse_qs(urlsplit(window.page.url).query)["q"] == ["RSI below 60 and price above 20"]
    window.page.reload()
    window.page.get_by_text("Understood as").wait_for(timeout=60_000)
    window.settle()
    assert counted(window) == (passed, of_all), "the address does not hold the question"


def test_the_symbol_of_a_result_leads_to_its_chart(app, visit):
    window = visit(height=1100)
    open_screener(app, window, "price above 20, top 5 by price")
    table = window.page.locator(".st-key-scr_answer [data-testid=stDataFrame]")
    table.wait_for(timeout=20_000)
    window.settle()
    room = table.bounding_box()
    first = (room["x"] + 22, room["y"] + 52)  # the symbol of the first row, below the header
    window.page.wait_for_timeout(1000)  # until the cells are painted
    window.page.mouse.move(*first, steps=3)
    with window.page.context.expect_page(timeout=20_000) as opened:
        window.page.mouse.click(*first, delay=80)
    chart = opened.value
    chart.locator("h1", has_text="Analysis").wait_for(timeout=60_000)
    assert parse_qs(urlsplit(chart.url).query)["symbol"][0]


def test_what_is_not_understood_is_marked_runs_nothing_and_is_mended_by_a_click(app, visit):
    window = visit("dark", height=1100)
    open_screener(app, window, "RSI below 60")
    counted(window)
    ask(window, "RSI below 60 and volme above 1m")
    refused = window.page.locator(".st-key-scr_refused")
    refused.get_by_text("Not understood, so nothing was run").wait_for(timeout=20_000)
    assert refused.locator(".stMarkdownColoredBackground").all_inner_texts() == ["volme"]
    assert window.page.locator(".st-key-scr_answer").count() == 0, "results of another question are shown"
    assert chips(window) == []
    refused.get_by_role("button", name="volume", exact=True).click()
    window.page.get_by_text("Understood as").wait_for(timeout=20_000)
    window.becomes(lambda: asked(window), "RSI below 60 and volume above 1m")
    assert len(chips(window)) == 2


def test_chips_are_added_by_the_form_changed_and_taken_away(app, visit):
    window = visit(height=1100)
    open_screener(app, window, "price above 20")
    before, _ = counted(window)
    window.page.get_by_role("button", name="Add a condition").click()
    window.page.get_by_role("button", name="Add", exact=True).click()
    window.becomes(lambda: asked(window), "price > $20 and RSI < 30")
    assert counted(window)[0] <= before
    window.page.locator(CHIP).nth(1).click()
    value = window.page.locator("[class*=_rsi_14_value] input").first
    value.fill("55")
    value.press("Enter")
    window.settle()
    window.page.get_by_role("button", name="Change", exact=True).click()
    window.becomes(lambda: asked(window), "price > $20 and RSI < 55")
    window.page.locator("[class*=st-key-scr_remove_] button").first.click()
    window.becomes(lambda: asked(window), "RSI < 55")
    assert len(chips(window)) == 1


def test_a_screen_in_a_file_is_looked_at_and_used(app, visit, tmp_path):
    window = visit(height=1100)
    open_screener(app, window)
    shared = Screen(name="shared", where=Comparison(field="rsi_14", operator="<", value=55))
    (tmp_path / "shared.json").write_text(write_screen(shared))
    window.page.locator(".st-key-scr_screens button").first.click()
    window.page.locator(".st-key-scr_upload input[type=file]").set_input_files(tmp_path / "shared.json")
    window.page.get_by_role("button", name="Use shared").click(timeout=20_000)
    window.becomes(lambda: asked(window), "RSI < 55")


def test_a_narrow_window_keeps_the_page_inside(app, visit):
    window = visit()
    window.page.set_viewport_size({"width": 700, "height": 900})
    open_screener(
        app, window, "RSI below 60 and (price above 20 or volume above 1m) and 5 day return above -20%"
    )
    counted(window)
    assert window.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 700

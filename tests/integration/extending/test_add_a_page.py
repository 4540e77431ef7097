"""A page is a file and a line of the navigation: in a copy of the product it is in the menu and shows what it reads."""

from __future__ import annotations

import pytest

FILE = '''"""Journal: the trading halts of the account, newest first, as a page of their own."""

from __future__ import annotations

import polars as pl
import streamlit as st

from app.components import tables
from app.components.page_frame import empty
from app.queries.cached import cached_by
from app.queries.installation import database_version, read


@cached_by(lambda *_: database_version())
def reasons(level: str) -> pl.DataFrame:
    """Return why trading was halted at a level."""
    return read("select engaged_at, reason from trading_halts where level = %s order by engaged_at desc", (level,))


if reasons("entries").is_empty():
    empty("Nothing was ever halted.", "`trading-assets halt` does it.")
else:
    st.metric("Halts", reasons("entries").height)
    tables.show(reasons("entries"), key="jo_halts", alt="Halts", columns={"engaged_at": tables.moment("At"), "reason": "Reason"})
'''
LINE = '        page("journal", "menu_book", "The trading halts of the account, and their reasons."),\n'
END_OF_GROUP = "    ],\n}\n"
LOOK_FOR_IT = """
import json
from pathlib import Path
from unittest.mock import patch

import streamlit
from streamlit.testing.v1 import AppTest

from trading_assets.settings import load_settings

(load_settings(env_file=None).lake_root).mkdir(parents=True)
app = AppTest.from_file("app/streamlit_app.py", default_timeout=60)
menus = []
navigation = streamlit.navigation
with patch.object(streamlit, "navigation", lambda pages, **options: menus.append(pages) or navigation(pages, **options)):
    app.run()
    app.switch_page("views/journal.py").run()
badges = " ".join(item.value for item in app.markdown)
print(json.dumps({
    "menu": {group: [page.title for page in pages] for group, pages in menus[0].items()},
    "entry": [[page.url_path, page.icon] for page in menus[0]["Operate"]][-1],
    "exception": [item.value for item in app.exception],
    "title": [item.value for item in app.title],
    "mode": [word for word in ("SIMULATED MARKET", "PAPER ACCOUNT", "LIVE MONEY") if word in badges],
    "info": [item.value for item in app.info],
    "metric": [[item.label, item.value] for item in app.metric],
    "reasons": [item.value["reason"].to_list() for item in app.dataframe],
}))
"""


@pytest.fixture
def with_page(product):
    """The product with the page in it."""
    product.add("app/views/journal.py", FILE)
    product.edit("app/streamlit_app.py", (END_OF_GROUP, LINE + END_OF_GROUP))
    return product


@pytest.fixture
def paper_account(fresh_database, migrated_postgres):
    """Settings of an installation on a database of its own, whose clock is the system's: nothing has to be started."""
    ((name,),) = fresh_database.fetch("select current_database()")
    url = migrated_postgres.replace("/trading?", f"/{name}?")
    return {"TRADING_MODE": "paper", "TRADING_DATABASE_URL": url}


def test_it_is_in_the_menu_and_shows_what_it_reads_below_the_frame_of_every_page(
    with_page, fresh_database, paper_account
):
    with fresh_database.connection() as connection:
        connection.execute(
            "insert into trading_halts (account, level, reason, engaged_by, engaged_at)"
            " values ('*', 'entries', 'the news', 'alex', now()), ('*', 'orders', 'a drill', 'alex', now())"
        )
    found = with_page.run(LOOK_FOR_IT, **paper_account)
    assert found["menu"] == {
        "Invest": ["Portfolio"],
        "Research": ["Analysis", "Screener"],
        "Operate": ["Operations", "Journal"],
    }
    assert found["entry"] == ["journal", ":material/menu_book:"]
    assert found["exception"] == []
    assert found["title"] == ["Journal"]
    assert found["mode"] == ["PAPER ACCOUNT"]
    assert found["metric"] == [["Halts", "1"]]
    assert found["reasons"] == [["the news"]]


def test_with_nothing_to_show_it_says_what_would_change_that(with_page, paper_account):
    found = with_page.run(LOOK_FOR_IT, **paper_account)
    assert found["exception"] == []
    assert found["info"] == ["Nothing was ever halted. `trading-assets halt` does it."]


def test_the_guide_names_every_file_that_this_test_touches(guide):
    said = guide("How to add a page")
    assert [name for name in ["app/views/", "app/streamlit_app.py"] if f"`{name}" not in said] == []

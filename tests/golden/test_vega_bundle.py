"""The scripts that draw the charts of a tear sheet are those of the locked vl-convert, and speak the Vega-Lite that Altair writes."""

from __future__ import annotations

import altair as alt
import pytest
import vl_convert

from trading_assets.research.sheets.page import VEGA, text

VERSION = "6.4"


@pytest.mark.slow
def test_the_bundle_is_the_one_of_the_locked_version():
    notice, _, bundle = text(VEGA).partition("*/\n")
    assert "BSD 3-Clause" in notice
    assert bundle == vl_convert.javascript_bundle(vl_version=VERSION), (
        f"write the notice and vl_convert.javascript_bundle(vl_version={VERSION!r}) into trading_assets/research/sheets/{VEGA}"
    )


def test_altair_writes_the_vega_lite_that_the_bundle_reads():
    assert alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0] == VERSION

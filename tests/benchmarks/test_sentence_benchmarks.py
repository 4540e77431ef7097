"""Sentences: how long one takes to be read and written back, and how long a refusal with suggestions takes."""

from __future__ import annotations

import pytest

from trading_assets.screener.english.parse import understand


@pytest.mark.parametrize(
    "sentence",
    [
        "oversold large caps",
        "P/E under 15 and dividend yield above 3%",
        "tech with market cap over $10B and yield above 2%, within 5% of 52 week high, golden cross, top 20 by market cap",
        "divdend yield above 3% and markt cap over 10b",
    ],
    ids=["two words", "two conditions", "five conditions", "misspelt"],
)
def test_a_sentence_is_understood(benchmark, sentence):
    understood = benchmark(understand, sentence)
    assert (understood.query is None) == sentence.startswith("divdend")

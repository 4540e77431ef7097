"""docs/sentences.md says what the screener understands as it is."""

from __future__ import annotations

import re
from pathlib import Path

from trading_assets.screener.english.parse import understand
from trading_assets.screener.english.phrasebook import START, with_phrasebook

PAGE = Path(__file__).resolve().parents[4] / "docs" / "sentences.md"


def test_the_page_is_what_the_tables_say():
    page = PAGE.read_text(encoding="utf-8")
    assert with_phrasebook(page) == page, (
        "run: python -m trading_assets.screener.english.phrasebook docs/sentences.md"
    )


def test_the_examples_of_the_page_are_understood_as_it_says():
    examples = re.findall(
        r"^\| `(.+?)` \| `(.+?)` \|$", PAGE.read_text(encoding="utf-8").partition(START)[0], re.MULTILINE
    )
    assert len(examples) >= 6
    assert {typed: understand(typed).canonical for typed, _ in examples} == dict(examples)

"""docs/sentences.md says what the screener understands as it is."""

from __future__ import annotations

import re
from pathlib import Path

from trading_assets.reference.markdown import MARK, with_reference
from trading_assets.reference.sentences import phrasebook
from trading_assets.screener.english.parse import understand

PAGE = Path(__file__).resolve().parents[3] / "docs" / "sentences.md"


def test_the_page_is_what_the_tables_say():
    page = PAGE.read_text(encoding="utf-8")
    assert with_reference(page, phrasebook()) == page, "run: python -m trading_assets.reference"


def test_the_examples_of_the_page_are_understood_as_it_says():
    examples = re.findall(
        r"^\| `(.+?)` \| `(.+?)` \|$", PAGE.read_text(encoding="utf-8").partition(MARK)[0], re.MULTILINE
    )
    assert len(examples) >= 6
    assert {typed: understand(typed).canonical for typed, _ in examples} == dict(examples)

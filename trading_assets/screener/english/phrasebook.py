"""Phrasebook of the screener in Markdown, for docs/sentences.md: its macros, sectors, places of trade and words of comparison."""

from __future__ import annotations

from collections.abc import Iterable

from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.words import PHRASES, TEXT_VALUES
from trading_assets.sectors import SECTORS

START = (
    "<!-- reference: written by `python -m trading_assets.screener.english.phrasebook docs/sentences.md` -->"
)
_SHOWN = {
    "CMP": "compares",
    "CROSS": "crossed",
    "NOT": "not",
    "SUFFIX": "after a number",
    "SORT": "order of the results",
}


def phrasebook() -> str:
    """Return the tables of macros, of values with words for them, and of words of comparison."""
    macros = (
        (macro.name, f"`{macro.definition}`", ", ".join(macro.others), macro.description)
        for macro in MACROS.values()
    )
    sectors = (
        ("sector", item.name, ", ".join(dict.fromkeys((item.yahoo, *item.aliases)))) for item in SECTORS
    )
    values = ((field.replace("_", " "), *_first_and_rest(words)) for field, _, words in TEXT_VALUES)
    compared = (
        (_SHOWN[terminal], f"`{_meaning(meaning)}`", ", ".join(_first_and_rest(words)).strip(", "))
        for terminal, meaning, words in PHRASES
        if terminal in _SHOWN
    )
    return "\n".join(
        [
            "## Macros", "", "Words for a whole condition. A sentence with one is written back with its definition.", "",
            _table(("word", "definition", "understood as well", "meaning"), macros),
            "## Values", "", _table(("field", "written", "understood as well"), [*sectors, *values]),
            "## Words of comparison", "", _table(("kind", "meaning", "words"), compared),
        ]
    )  # fmt: skip


def with_phrasebook(page: str) -> str:
    """Return a page with everything after the mark replaced by the phrasebook."""
    return f"{page.partition(START)[0]}{START}\n\n{phrasebook()}"


def _meaning(meaning: object) -> object:
    return "" if meaning is None else meaning


def _first_and_rest(words: str) -> tuple[str, str]:
    first, *rest = words.split(" | ")
    return first, ", ".join(rest)


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


if __name__ == "__main__":
    import sys
    from pathlib import Path

    page = Path(sys.argv[1])
    page.write_text(with_phrasebook(page.read_text(encoding="utf-8")), encoding="utf-8")

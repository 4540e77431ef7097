"""Phrasebook of the screener in Markdown, for docs/sentences.md: macros, sectors, industries, places of trade, words of comparison."""

from __future__ import annotations

from trading_assets.reference.markdown import table
from trading_assets.screener.english.industries import INDUSTRIES, NO_INDUSTRY
from trading_assets.screener.english.macros import MACROS
from trading_assets.screener.english.wording import describe
from trading_assets.screener.english.words import PHRASES, TEXT_VALUES
from trading_assets.sectors import SECTORS

_SHOWN = {
    "CMP": "compares",
    "CROSS": "crossed",
    "NOT": "not",
    "SUFFIX": "after a number",
    "SORT": "order of the results",
}


def phrasebook() -> str:
    """Return the tables of macros, of values with words for them, of industries, and of words of comparison."""
    macros = (
        (macro.name, f"`{describe(macro.filter)}`", ", ".join(macro.others), macro.description)
        for macro in MACROS.values()
    )
    sectors = (
        ("sector", item.name, ", ".join(dict.fromkeys((item.yahoo, *item.aliases)))) for item in SECTORS
    )
    industries = (
        (row.words[0], ", ".join(row.words[1:]), "; ".join(row.names), row.sector) for row in INDUSTRIES
    )
    nearest = ((words.replace(" | ", ", "), ", ".join(near)) for words, near in NO_INDUSTRY.items())
    values = ((field.replace("_", " "), *_first_and_rest(words)) for field, _, words in TEXT_VALUES)
    compared = (
        (_SHOWN[terminal], f"`{_meaning(meaning)}`", ", ".join(_first_and_rest(words)).strip(", "))
        for terminal, meaning, words in PHRASES
        if terminal in _SHOWN
    )
    return "\n".join(
        [
            "## Macros", "", "Words for a whole condition. A sentence with one is written back with its definition.", "",
            table(("word", "definition", "understood as well", "meaning"), macros),
            "## Values", "", table(("field", "written", "understood as well"), [*sectors, *values]),
            "## Industries", "", "Each word means exactly these names of the vendors (Yahoo's, and the simulator's).", "",
            table(("word", "understood as well", "names", "sector"), industries),
            "These have no industry of their own with vendors, and are refused with the nearest ones.", "",
            table(("word", "nearest"), nearest),
            "## Words of comparison", "", table(("kind", "meaning", "words"), compared),
        ]
    )  # fmt: skip


def _meaning(meaning: object) -> object:
    return "" if meaning is None else meaning


def _first_and_rest(words: str) -> tuple[str, str]:
    first, *rest = words.split(" | ")
    return first, ", ".join(rest)

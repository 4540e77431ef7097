"""`python -m trading_assets.reference` writes the reference parts of the pages in docs/ anew."""

from __future__ import annotations

from pathlib import Path

from trading_assets.reference.company_data import company_reference
from trading_assets.reference.features import feature_reference
from trading_assets.reference.markdown import with_reference
from trading_assets.reference.sentences import phrasebook
from trading_assets.reference.statistics import statistic_reference
from trading_assets.reference.strategies import strategy_reference
from trading_assets.reference.tables import table_reference

PAGES = {
    "company_data": company_reference,
    "features": feature_reference,
    "sentences": phrasebook,
    "statistics": statistic_reference,
    "strategies": strategy_reference,
    "tables": table_reference,
}

if __name__ == "__main__":
    for name, reference in PAGES.items():
        page = Path("docs") / f"{name}.md"
        page.write_text(with_reference(page.read_text(encoding="utf-8"), reference()), encoding="utf-8")

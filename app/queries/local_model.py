"""Local model: whether one is set, and what it makes of a sentence; never asked unless the reader presses the button."""

from __future__ import annotations

from app.queries.installation import settings
from trading_assets.errors import ConfigurationError
from trading_assets.screener.filters import Query
from trading_assets.screens.local_model import local_model


def name() -> str | None:
    """Return the name of the model that is set, ``None`` if there is none."""
    return settings().local_model


def suggest(sentence: str) -> Query:
    """Ask the model for a query; see ``trading_assets.screens.local_model`` for what it refuses and when it gives up."""
    model = local_model(settings())
    if model is None:
        raise ConfigurationError("No local model is set: name one in TRADING_LOCAL_MODEL")
    return model.suggest(sentence)

"""Strategies in Markdown, for docs/strategies.md: what is built in with its parameters, and the checks."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from trading_assets.reference.markdown import table
from trading_assets.strategies.checks import CHECKS, CONTRACT, PURE, SAYS_SOMETHING
from trading_assets.strategies.registry import BUILT_IN, STRATEGIES, StrategyKind, strategy_kinds


def strategy_reference() -> str:
    """Return the tables of the built-in strategies, of their parameters, and of the checks."""
    kinds = [kind for kind in strategy_kinds() if kind.source == BUILT_IN]
    checks = [CONTRACT, PURE, SAYS_SOMETHING, *((name, proves) for name, (proves, _) in CHECKS.items())]
    return "\n".join(
        [
            "## Built-in strategies", "",
            table(("kind", "does", "looks back", "reads"), map(_described, kinds)),
            "## Parameters", "",
            table(("kind", "parameter", "default", "meaning"), _parameters()),
            "## Checks", "", "In the order in which they are made.", "",
            table(("check", "passes if"), ((f"`{name}`", proves) for name, proves in checks)),
        ]
    )  # fmt: skip


def _described(kind: StrategyKind) -> tuple[str, str, str, str]:
    name, does = f"`{kind.name}`", kind.description
    if kind.feature_columns is None or kind.lookback_sessions is None:
        return name, does, "by parameters", "what its parameters name"
    sessions = f"{kind.lookback_sessions} session{'' if kind.lookback_sessions == 1 else 's'}"
    return name, does, sessions, " ".join(f"`{column}`" for column in kind.feature_columns)


def _parameters() -> Iterator[tuple[str, str, str, str]]:
    for kind, found in sorted(STRATEGIES.items()):
        for name, field in found.parameters.model_fields.items():
            yield f"`{kind}`", f"`{name}`", _default(field), field.description or ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "has to be given"
    if field.default is None:
        return "unset"
    return (
        f"{field.default:,}".removesuffix(".0")
        if isinstance(field.default, int | float)
        else str(field.default)
    )

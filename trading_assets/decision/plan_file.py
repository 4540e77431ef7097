"""The file of the trading plan: YAML to a plan, every mistake named with its line and the fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from pydantic import BaseModel, ValidationError

from trading_assets.books.holdings import UNATTRIBUTED
from trading_assets.decision.plan import NAME, PlanFile, StrategyEntry, TradingPlan, plan_of
from trading_assets.errors import ConfigurationError
from trading_assets.portfolio.exits import Exits
from trading_assets.portfolio.sizing import SIZINGS, kind_of
from trading_assets.risk.breakers import Breakers
from trading_assets.risk.limits import RiskLimits
from trading_assets.strategies.registry import registered, strategy_names
from trading_assets.yaml_lines import Document, read

DEFAULT_NAME = "strategies.yaml"


def parse_plan(text: str, name: str) -> TradingPlan:
    """Read a plan from YAML; ``name`` is what the file is called in messages.

    Raises
    ------
    ConfigurationError
        On an unknown key, strategy or parameter, or a bad value; names file, line and the fix.
    """
    document = read(text, name)
    _check_keys(document, (), PlanFile.model_fields)
    _check_keys(document, ("limits",), RiskLimits.model_fields)
    _check_keys(document, ("breakers",), Breakers.model_fields)
    entries = document.values.get("strategies")
    if not entries or not isinstance(entries, dict):
        raise document.error(("strategies",), "name at least one strategy under it, such as `momentum: {}`")
    given = {entry: {} if content is None else content for entry, content in entries.items()}
    for entry, content in given.items():
        _check_strategy(document, str(entry), content)
    try:
        return plan_of(PlanFile.model_validate({**document.values, "strategies": given}))
    except ValidationError as error:
        problem = error.errors()[0]
        path = tuple(problem["loc"]) or ("strategies",)
        if path[2:3] == ("sizing",):  # then the kind of sizing, which is no key
            path = (*path[:3], *path[4:])
        raise document.error(path, _told(path, problem["msg"], problem["input"])) from error


def _check_strategy(document: Document, name: str, entry: object) -> None:
    path = ("strategies", name)
    if not re.match(NAME, name) or name == UNATTRIBUTED:
        raise document.error(path, "write another name: small letters, digits and _, beginning with a letter")
    _check_keys(document, path, StrategyEntry.model_fields)
    if not isinstance(entry, dict):
        raise document.error(path, f"write `key: value` lines under it, not {entry!r}")
    _check_sizing(document, path, entry.get("sizing", {}))
    _check_keys(document, (*path, "exits"), Exits.model_fields)
    kind = str(entry.get("kind") or name)
    model = _parameters_of(document, (*path, "kind"), kind)
    parameters = (*path, "parameters")
    _check_keys(document, parameters, model.model_fields)
    try:
        model.model_validate(entry.get("parameters") or {})
    except ValidationError as error:
        problem = error.errors()[0]
        at = (*parameters, *problem["loc"])
        reason = problem["msg"].removeprefix("Value error, ")
        raise document.error(
            at, f"{reason}, not {problem['input']!r}{_meaning(model, problem['loc'])}"
        ) from error


def _parameters_of(document: Document, path: Sequence[str], kind: str) -> type[BaseModel]:
    try:
        return registered(kind).parameters
    except ConfigurationError as error:
        names = strategy_names()
        unknown = f"there is no strategy of the kind {kind}; there are {', '.join(names)}"
        raise document.error(tuple(path), str(error) if kind in names else unknown) from error


def _check_sizing(document: Document, path: Sequence[str], given: object) -> None:
    at = (*path, "sizing")
    if not isinstance(given, dict):
        raise document.error(at, f"write `key: value` lines under it, not {given!r}")
    kind = kind_of(given)
    if kind not in SIZINGS:
        raise document.error(
            (*at, "kind"), f"there is no sizing of the kind {given['kind']!r}; there are {', '.join(SIZINGS)}"
        )
    _check_keys(document, at, SIZINGS[kind].model_fields)


def _check_keys(document: Document, path: Sequence[str], known: Collection[str]) -> None:
    here = tuple(path)
    for at in document.lines:
        if len(at) == len(here) + 1 and at[:-1] == here and at[-1] not in known:
            close = difflib.get_close_matches(str(at[-1]), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise document.error(at, f"there is no such key; {hint}")


def _told(path: Sequence[str | int], message: str, given: object) -> str:
    reason = message.removeprefix("Value error, ")
    models: list[type[BaseModel]] = [RiskLimits if path[:1] == ("limits",) else StrategyEntry]
    if path[2:3] == ("sizing",) and len(path) > 3:
        models = [*SIZINGS.values()]
    if path[:1] == ("breakers",):
        models = [Breakers]
    if path[2:3] == ("exits",) and len(path) > 3:
        models = [Exits]
    told = reason if len(path) < 2 or message.startswith("Value error") else f"{reason}, not {given!r}"
    return told + next(filter(None, (_meaning(model, path[-1:]) for model in models)), "")


def _meaning(model: type[BaseModel], path: Sequence[str | int]) -> str:
    field = model.model_fields.get(str(path[0])) if path else None
    return f"; it is: {field.description}" if field and field.description else ""


def require_known_capital(plan: TradingPlan, holders: Collection[str]) -> None:
    """Refuse a plan that leaves out a strategy which still holds shares.

    Raises
    ------
    ConfigurationError
        Names the strategies: a slip of the pen must neither sell nor forget what they hold.
    """
    missing = sorted({*holders} - {*plan.names})
    if missing:
        raise ConfigurationError(
            f"The trading plan leaves out {', '.join(missing)}, which still holds shares: name it, with capital_frac: 0 "
            "to give up what it holds"
        )

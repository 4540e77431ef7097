"""`strategies`: what trades in the account, with which part of the equity, within which limits, and what else could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.cli.options import JsonOption
from trading_assets.cli.output import friendly_errors, print_json, print_table

if TYPE_CHECKING:
    from trading_assets.decision.plan import PlannedStrategy


@friendly_errors
def strategies(
    yaml: Annotated[
        bool,
        typer.Option("--yaml", help="Print the file in force, to be copied and named in TRADING_STRATEGIES."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show the trading plan in force, the limits of the account, and every strategy that a plan may name, plug-ins included.

    [dim]Example:[/] trading-assets strategies --yaml > strategies.yaml
    """
    from trading_assets.research.plan_in_force import load_plan, plan_text
    from trading_assets.settings import load_settings
    from trading_assets.strategies.registry import strategy_kinds

    path = load_settings().strategies
    plan = load_plan(path)
    if yaml:
        typer.echo(plan_text(path), nl=False)
        return
    if json:
        print_json({"fingerprint": plan.fingerprint, "strategies": [_facts(planned) for planned in plan.strategies],
                    "limits": plan.limits.model_dump(mode="json"),
                    "breakers": plan.breakers.model_dump(mode="json", exclude_none=True),
                    "kinds": [vars(kind) for kind in strategy_kinds()]})  # fmt: skip
        return
    shown = [
        (planned.name, planned.strategy.name, f"{planned.mandate.capital_frac:.1%}",
         str(planned.mandate.sizing), planned.mandate.max_positions or "", _parameters(planned))
        for planned in plan.strategies
    ]  # fmt: skip
    columns = ("strategy", "kind", "capital", "position", "at most", "parameters")
    title = f"Trading plan {path or '(shipped)'}, fingerprint {plan.fingerprint}"
    print_table(title, columns, shown, right=("capital", "position", "at most"), folded=("parameters",))
    limits = [
        (name, value, field.description or "")
        for model in (plan.limits, plan.breakers)
        for name, field in type(model).model_fields.items()
        if (value := getattr(model, name)) is not None
    ]
    print_table(
        "Limits of the account",
        ("limit", "value", "meaning"),
        limits,
        right=("value",),
        folded=("meaning",),
    )
    kinds = [
        (kind.name, kind.source, kind.problem or kind.description,
         _told(kind.lookback_sessions, kind.problem), _told(kind.feature_columns, kind.problem))
        for kind in strategy_kinds()
    ]  # fmt: skip
    print_table("Strategies that a plan may name", ("kind", "source", "does", "looks back", "reads"), kinds,
                folded=("does", "reads"), optional=("reads", "looks back", "source"))  # fmt: skip


def _told(value: object, problem: str) -> str:
    if problem:
        return ""
    if value is None:
        return "by parameters"
    return ", ".join(value) if isinstance(value, tuple) else f"{value} session{'' if value == 1 else 's'}"


def _facts(planned: PlannedStrategy) -> dict[str, object]:
    return {
        "strategy": planned.name,
        "kind": planned.strategy.name,
        "capital_frac": float(planned.mandate.capital_frac),
        "sizing": planned.mandate.sizing.model_dump(mode="json"),
        "max_positions": planned.mandate.max_positions,
        "exits": planned.mandate.exits and planned.mandate.exits.model_dump(mode="json", exclude_none=True),
        "parameters": planned.strategy.parameters.model_dump(mode="json"),
    }


def _parameters(planned: PlannedStrategy) -> str:
    values = planned.strategy.parameters.model_dump(mode="json").items()
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in values
    )

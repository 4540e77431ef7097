"""The form of one condition: field, operator, value and sessions ago, for those who do not want to write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl
import streamlit as st
from pydantic import ValidationError

from trading_assets.screener.display import explained, shown
from trading_assets.screener.fields import FIELDS, Group, is_comparable
from trading_assets.screener.filters import (
    MAX_IN_EACH,
    MAX_SESSIONS_AGO,
    Between,
    Comparison,
    Cross,
    Filter,
    In,
    Not,
    Predicate,
    Term,
)
from trading_assets.sectors import SECTORS

COMPARISONS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
OPERATORS = {**COMPARISONS, "between": "between", "above": "crossed above", "below": "crossed below"}
GROUPS: tuple[Group, ...] = get_args(Group)
A_NUMBER, A_FIELD = "a number", "another field"
START = Comparison(field="rsi_14", operator="<", value=30)


@dataclass(frozen=True)
class Texts:
    """The universe's texts of the session, for the values to choose from."""

    frame: pl.DataFrame

    def values(self, field: str) -> list[str]:
        """Return the values that a text field has."""
        if field == "sector":
            return [sector.name for sector in SECTORS]
        return self.frame[field].drop_nulls().unique().sort().to_list()


def condition_form(key: str, start: Filter, texts: Texts) -> Filter | None:
    """Ask for a condition; ``None`` while what is entered makes none, which is said."""
    inner = start.filter if isinstance(start, Not) else start
    predicate: Predicate = inner if isinstance(inner, Comparison | Between | Cross | In) else START
    names = sorted(FIELDS, key=lambda name: GROUPS.index(FIELDS[name].group))
    name: str = st.selectbox(
        "Field", names, index=names.index(predicate.field), key=f"{key}_field",
        format_func=lambda name: f"{FIELDS[name].label}  ·  {FIELDS[name].group}",
    )  # fmt: skip
    field = FIELDS[name]
    st.caption(f"{explained(name)}{f' · {field.unit}' if field.unit else ''}")
    same = predicate if predicate.field == name else None
    opposite = st.toggle(
        "Must not hold", value=isinstance(start, Not), key=f"{key}_not",
        help="A symbol that lacks the data passes neither the condition nor its opposite",
    )  # fmt: skip
    try:
        node = (
            _text_condition(key, name, same, texts)
            if field.kind == "text"
            else _number_condition(key, name, same)
        )
    except ValidationError as error:
        st.error(error.errors()[0]["msg"].removeprefix("Value error, "), icon=":material/error:")
        return None
    return None if node is None else Not(filter=node) if opposite else node


def _text_condition(key: str, name: str, start: Predicate | None, texts: Texts) -> Predicate | None:
    chosen = list(start.values) if isinstance(start, In) else []
    options = list(dict.fromkeys([*texts.values(name), *chosen]))
    values = st.multiselect(
        "is any of",
        options,
        default=chosen,
        key=f"{key}_{name}_values",
        placeholder="Choose",
        accept_new_options=True,
        select_all=False,
    )
    return In(field=name, values=tuple(values)) if values else None


def _number_condition(key: str, name: str, start: Predicate | None) -> Predicate | None:
    operators = list(OPERATORS)
    at = operators.index(_operator(start)) if start is not None else 0
    operator: str = st.selectbox(
        "is", operators, index=at, key=f"{key}_operator", format_func=lambda operator: OPERATORS[operator]
    )
    if operator == "between":
        low, high = st.columns(2)
        bounds = (start.low, start.high) if isinstance(start, Between) else (None, None)
        first = _number(low, "from", name, bounds[0], f"{key}_{name}_low")
        last = _number(high, "to", name, bounds[1], f"{key}_{name}_high")
        ago = _ago(key, start.sessions_ago if isinstance(start, Between) else 0)
        each = _in_each(key, start)
        if first is None or last is None:
            return None
        return Between(field=name, low=first, high=last, sessions_ago=ago, in_each=each)
    value = start.value if isinstance(start, Comparison | Cross) else None
    kinds = (A_NUMBER, A_FIELD)
    kind = st.segmented_control(
        "compared with",
        kinds,
        default=A_FIELD if isinstance(value, Term) else A_NUMBER,
        key=f"{key}_kind",
        required=True,
    )
    crosses = operator in get_args(Literal["above", "below"])
    if kind == A_FIELD:
        other: float | Term | None = _term(
            key, name, value if isinstance(value, Term) else None, earlier=not crosses
        )
    else:
        other = _number(st, "value", name, None if isinstance(value, Term) else value, f"{key}_{name}_value")
    if crosses:
        within = int(
            st.number_input(
                "within the last sessions", 1, 63, start.within if isinstance(start, Cross) else 1, key=f"{key}_within",
                help="1: at the session itself",
            )
        )  # fmt: skip
        return None if other is None else Cross(field=name, direction=operator, value=other, within=within)  # type: ignore[arg-type] # above or below
    ago = _ago(key, start.sessions_ago if isinstance(start, Comparison) else 0)
    each = _in_each(key, start)
    if other is None:
        return None
    return Comparison(field=name, operator=operator, value=other, sessions_ago=ago, in_each=each)  # type: ignore[arg-type] # one of the four


def _operator(predicate: Predicate) -> str:
    if isinstance(predicate, Comparison):
        return predicate.operator
    return predicate.direction if isinstance(predicate, Cross) else "between"


def _term(key: str, than: str, start: Term | None, *, earlier: bool) -> Term:
    # values in the same unit are what can be compared with sense
    names = [name for name, field in FIELDS.items() if field.kind == "number" and is_comparable(name, than)]
    if start is not None and start.field not in names:
        names.append(start.field)
    chosen = start.field if start else next((name for name in names if name != than), names[0])
    name: str = st.selectbox(
        "field",
        names,
        index=names.index(chosen),
        key=f"{key}_{than}_other",
        format_func=lambda name: FIELDS[name].label,
    )
    factor = st.number_input(
        "times", value=float(start.factor) if start else 1.0, format="%g", step=0.05, key=f"{key}_factor"
    )
    ago = _ago(f"{key}_other", start.sessions_ago if start else 0, of="of that field") if earlier else 0
    return Term(field=name, factor=factor, sessions_ago=ago)


def _ago(key: str, start: int, of: str = "") -> int:
    return int(
        st.number_input(
            f"sessions ago {of}".strip(), 0, MAX_SESSIONS_AGO, start, key=f"{key}_ago",
            help="0: at the session itself. Prices and shares of earlier sessions are brought into its scale.",
        )
    )  # fmt: skip


def _in_each(key: str, start: Predicate | None) -> int:
    return int(
        st.number_input(
            "in each of the last sessions", 1, MAX_IN_EACH, start.in_each if isinstance(start, Comparison | Between) else 1,
            key=f"{key}_in_each", help="1: at the session alone. 3: at it and at each of the two before; one that lacks the data is not met.",
        )
    )  # fmt: skip


def _number(slot: object, label: str, name: str, start: float | None, key: str) -> float | None:
    is_share = FIELDS[name].unit.startswith("fraction")
    shown_start = None if start is None else round(start * 100, 10) if is_share else float(start)
    entered = slot.number_input(  # type: ignore[attr-defined] # the page or one of its columns
        f"{label} (%)" if is_share else label, value=shown_start, format="%g", key=key, placeholder="a number"
    )
    if entered is None:
        return None
    value = round(entered / 100, 12) if is_share else float(entered)
    slot.caption(shown(name, value))  # type: ignore[attr-defined] # the same
    return value

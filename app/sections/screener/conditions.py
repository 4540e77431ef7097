"""Conditions: a chip for each one with what it removed, to be changed or taken out; order and number of the results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import streamlit as st
from pydantic import ValidationError

from app.sections.screener.form import START, Texts, condition_form
from app.sections.screener.sentence import ask_query, plain
from trading_assets.screener.edit import Path, with_change, with_condition, with_order, without
from trading_assets.screener.english.wording import describe
from trading_assets.screener.evaluate import Condition
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import (
    DEFAULT_SORT,
    MAX_TOP,
    And,
    Filter,
    Not,
    Or,
    Query,
    Sort,
    children,
)

_ADDED = "scr_added"


def show_conditions(query: Query, counts: Mapping[Filter, Condition], texts: Texts) -> None:
    """Show a chip for each condition, framed together where they are alternatives, and the form for another one."""
    outermost: list[tuple[Path, Filter]] = []
    if isinstance(query.where, And):
        outermost = [((place,), node) for place, node in enumerate(query.where.filters)]
    elif query.where is not None:
        outermost = [((), query.where)]
    for path, node in outermost:
        _show(query, path, node, counts.get(node), texts)
    _show_addition(query, texts)


def _show(query: Query, path: Path, node: Filter, count: Condition | None, texts: Texts) -> None:
    group = node.filter if isinstance(node, Not) else node
    key = _key(path, node)
    if not isinstance(group, And | Or | Not):
        with st.container(
            horizontal=True, width="content", gap=None, vertical_alignment="center", key=f"scr_chip_{key}"
        ):
            _show_chip(query, path, node, count, texts)
        return
    words = {(Or, False): "any of", (And, False): "all of", (Or, True): "none of", (And, True): "not all of"}
    with st.container(
        border=True,
        horizontal=True,
        width="content",
        gap="small",
        vertical_alignment="center",
        key=f"scr_group_{key}",
    ):
        title = words.get((type(group), isinstance(node, Not)), "not")
        st.markdown(f":gray[{title}]{_counted(count)}", width="content")
        inner = (*path, 0) if isinstance(node, Not) else path
        for place, child in enumerate(children(group)):
            _show(query, (*inner, place), child, None, texts)
        _remove_button(query, path, key, f"Remove: {describe(node)}", "✕ all")


def _show_chip(query: Query, path: Path, node: Filter, count: Condition | None, texts: Texts) -> None:
    key, words = _key(path, node), describe(node)
    with st.popover(f"{plain(words)}{_counted(count)}", help="Change this condition", key=f"scr_open_{key}"):
        if count is not None:
            st.caption(_explained(count))
        changed = condition_form(f"scr_{key}", node, texts)
        with st.container(horizontal=True):
            st.button(
                "Change", key=f"scr_change_{key}", type="primary", on_click=_change, args=(query, path, changed),
                disabled=changed is None or changed == node,
            )  # fmt: skip
            st.button(
                "Add as alternative", key=f"scr_or_{key}", on_click=_change,
                args=(query, path, _either(node, changed)), disabled=changed is None or changed == node,
                help="Symbols pass if the old or the new condition holds",
            )  # fmt: skip
    _remove_button(query, path, key, f"Remove: {words}")


def _remove_button(query: Query, path: Path, key: str, meaning: str, label: str = "✕") -> None:
    st.button(
        label,
        key=f"scr_remove_{key}",
        type="tertiary",
        on_click=_remove,
        args=(query, path),
        help=plain(meaning),
    )


def _counted(count: Condition | None) -> str:
    if count is None:
        return ""
    missing = f" · {count.missing:,} no data" if count.missing else ""
    return f" :gray[:small[removes {count.failed:,}{missing}]]"


def _explained(count: Condition) -> str:
    return (
        f"On its own: {count.passed:,} symbols pass, {count.failed:,} do not, {count.missing:,} lack the data and do not "
        f"pass either. After this condition and those before it {count.remaining:,} are left."
    )


def _show_addition(query: Query, texts: Texts) -> None:
    number = st.session_state.get(_ADDED, 0)
    with st.popover("Add a condition", icon=":material/add:", key=f"scr_add_{number}"):
        added = condition_form(f"scr_new_{number}", START, texts)
        st.button(
            "Add",
            key=f"scr_add_button_{number}",
            type="primary",
            on_click=_add,
            args=(query, added),
            disabled=added is None,
        )


def show_order(query: Query) -> None:
    """Ask how to sort the results, and how many to keep."""
    sort = query.sort or DEFAULT_SORT
    key = hashlib.sha1(f"{query.sort} {query.top}".encode(), usedforsecurity=False).hexdigest()[:8]
    names = [name for name, field in FIELDS.items() if field.kind == "number"]
    keys = {part: f"scr_{part}_{key}" for part in ("sort", "order", "top")}
    st.selectbox(
        "Sort by", names, index=names.index(sort.field), key=keys["sort"], format_func=lambda name: FIELDS[name].label,
        on_change=_reorder, args=(query, keys), width=180, help=FIELDS[sort.field].description,
    )  # fmt: skip
    orders = ["highest", "lowest"]
    st.selectbox(
        "Order",
        orders,
        index=0 if sort.descending else 1,
        key=keys["order"],
        on_change=_reorder,
        args=(query, keys),
        width=120,
    )
    st.number_input(
        "Keep the first", 1, MAX_TOP, query.top, key=keys["top"], on_change=_reorder, args=(query, keys), width=110,
        placeholder="all",
    )  # fmt: skip


def _key(path: Path, node: Filter) -> str:
    # Another condition in its place has other widgets, filled from it.
    return hashlib.sha1(f"{path} {node!r}".encode(), usedforsecurity=False).hexdigest()[:10]


def _either(node: Filter, changed: Filter | None) -> Filter | None:
    return None if changed is None else Or(filters=(node, changed))


def _change(query: Query, path: Path, node: Filter | None) -> None:
    if node is not None:
        _ask(lambda: with_change(query, path, node))


def _remove(query: Query, path: Path) -> None:
    ask_query(without(query, path))


def _add(query: Query, node: Filter | None) -> None:
    if node is not None:
        st.session_state[_ADDED] = st.session_state.get(_ADDED, 0) + 1
        _ask(lambda: with_condition(query, node))


def _reorder(query: Query, keys: Mapping[str, str]) -> None:
    chosen = {part: st.session_state[key] for part, key in keys.items()}
    sort: Sort | None = Sort(field=chosen["sort"], descending=chosen["order"] == "highest")
    top = chosen["top"]
    ask_query(with_order(query, None if sort == DEFAULT_SORT and top is None else sort, top))


def _ask(edited: Callable[[], Query]) -> None:
    try:
        ask_query(edited())
    except ValidationError as error:  # too many conditions, or too deep
        st.toast(error.errors()[0]["msg"].removeprefix("Value error, "), icon=":material/error:")

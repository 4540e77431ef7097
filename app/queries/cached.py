"""Cached queries: an answer is kept for as long as the data that it was read from are the same."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import streamlit as st

from trading_assets.tables.table import Table

P = ParamSpec("P")
T = TypeVar("T")


def cached_by(
    version: Callable[..., str], *, entries: int = 100
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep what a query answers, for every version of the data and all arguments.

    An argument tells answers apart by its value, a table by its name, and one that begins with an underscore not at all:
    it must follow from the others and from the version. Every caller gets a copy that it may change.

    Parameters
    ----------
    version
        Gets the arguments of the query, by position and with the defaults, at each call, and returns a token that
        changes with the data that the answer depends on, and with which installation it is of.
    entries
        Answers to keep.
    """

    def decorate(query: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(query)

        # Streamlit tells caches apart by module, name and source, which `wraps` takes from the query
        @st.cache_data(max_entries=entries, show_spinner=False, hash_funcs={Table: lambda table: table.name})
        @functools.wraps(query)
        def keep(*, version: str, arguments: dict[str, object], _call: inspect.BoundArguments) -> T:  # noqa: ARG001 (the first two are the key)
            return query(*_call.args, **_call.kwargs)

        @functools.wraps(query)
        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            call = signature.bind(*args, **kwargs)
            call.apply_defaults()
            arguments = {name: value for name, value in call.arguments.items() if not name.startswith("_")}
            return keep(version=version(*call.args, **call.kwargs), arguments=arguments, _call=call)

        return ask

    return decorate

"""Editing a query: one condition of its tree taken out, changed or added at a time, by the path to it."""

from __future__ import annotations

from collections.abc import Iterator

from trading_assets.screener.filters import And, Filter, Not, Or, Predicate, Query, Sort, children

Path = tuple[int, ...]
"""Where a node stands: which child to take, from the top of the tree down; ``()`` is the top itself."""


def conditions(query: Query) -> list[tuple[Path, Predicate]]:
    """List the conditions of a query with the path to each, left to right, as ``filters.predicates`` does."""
    return list(_leaves(query.where, ())) if query.where else []


def node_at(query: Query, path: Path) -> Filter:
    """Return what stands at a path.

    Raises
    ------
    LookupError
        If nothing does.
    """
    node = query.where
    for place in path:
        below = children(node) if node else ()
        node = below[place] if place < len(below) else None
    if node is None:
        raise LookupError(f"nothing stands at {path} of this query")
    return node


def with_condition(query: Query, condition: Filter) -> Query:
    """Add a condition that must hold as well; a query that has it already stays as it is."""
    if query.where is None:
        return _with_where(query, condition)
    together = query.where.filters if isinstance(query.where, And) else (query.where,)
    if condition in together:
        return query
    return _with_where(query, And(filters=(*together, condition)))


def with_change(query: Query, path: Path, node: Filter) -> Query:
    """Put another node in the place of the one at a path."""
    node_at(query, path)
    return _with_where(query, _changed(query.where, path, node))


def without(query: Query, path: Path) -> Query:
    """Take the node at a path out; an ``and`` or ``or`` of a single filter that is left becomes that filter.

    Examples
    --------
    >>> from trading_assets.screener.filters import Comparison
    >>> cheap, small = (Comparison(field=name, operator="<", value=15) for name in ("pe", "close"))
    >>> without(Query(where=And(filters=(cheap, small))), (0,)).where == small
    True
    """
    node_at(query, path)
    return _with_where(query, _changed(query.where, path, None))


def with_order(query: Query, sort: Sort | None, top: int | None) -> Query:
    """Sort the results differently, or by default without a sort, and keep the first ``top``, or all.

    Raises
    ------
    pydantic.ValidationError
        If ``top`` comes without a sort.
    """
    return Query(where=query.where, sort=sort, top=top)


def _with_where(query: Query, where: Filter | None) -> Query:
    return Query(where=where, sort=query.sort, top=query.top)


def _leaves(node: Filter, path: Path) -> Iterator[tuple[Path, Predicate]]:
    if isinstance(node, And | Or | Not):
        for place, child in enumerate(children(node)):
            yield from _leaves(child, (*path, place))
    else:
        yield path, node


def _changed(node: Filter | None, path: Path, new: Filter | None) -> Filter | None:
    if not path or node is None:
        return new
    below = list(children(node))
    kept = _changed(below[path[0]], path[1:], new)
    if isinstance(node, Not):
        return Not(filter=kept) if kept is not None else None
    below[path[0] : path[0] + 1] = [kept] if kept is not None else []
    if len(below) == 1:
        return below[0]
    return type(node)(filters=tuple(below)) if isinstance(node, And | Or) else None

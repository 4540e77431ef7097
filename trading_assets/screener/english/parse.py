"""Sentences: English about shares to a query of the screener, or every place where it was not understood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

import lark
from lark.lexer import Lexer

from trading_assets.errors import NotUnderstoodError, Problem
from trading_assets.screener.english.arrange import arranged
from trading_assets.screener.english.complaints import complaint
from trading_assets.screener.english.lexer import tokens
from trading_assets.screener.english.meaning import query_of
from trading_assets.screener.english.spans import nodes_of
from trading_assets.screener.english.tokens import Token
from trading_assets.screener.english.wording import write
from trading_assets.screener.filters import Query

MAX_LENGTH = 20_000
"""Characters of a sentence."""
MAX_NESTING = 40
"""Parentheses and "not"s within each other."""


@dataclass(frozen=True)
class Understood:
    """What a sentence was understood as: the query with its canonical English, or the problems."""

    query: Query | None
    problems: tuple[Problem, ...]
    canonical: str | None


def parse(text: str) -> Query:
    """Read a sentence.

    Every word is either understood or a problem: nothing is passed over or guessed. "and", commas and mere sequence mean
    and, and bind stronger than "or"; parentheses rule. `write` gives a sentence that is read as the same query.

    Parameters
    ----------
    text
        At most `MAX_LENGTH` characters.

    Raises
    ------
    NotUnderstoodError
        With a problem for each stretch that is not a known word, lacks something, or could mean two things.

    Examples
    --------
    >>> write(parse("tech stocks with P/E under 15 and dividend yield above 3%"))
    'sector is Information Technology and P/E < 15 and dividend yield > 3%'
    """
    query, problems = _read(text)
    if query is None:
        raise NotUnderstoodError(tuple(problems))
    return query


def understand(text: str) -> Understood:
    """Read a sentence and write it back, or say what was not understood."""
    query, problems = _read(text)
    return Understood(query, tuple(problems), None if query is None else write(query))


def _read(text: str) -> tuple[Query | None, list[Problem]]:
    if len(text) > MAX_LENGTH:
        message = f"the sentence has more than {MAX_LENGTH:,} characters"
        return None, [Problem(0, len(text), text, message)]
    found, problems = tokens(text)
    if problems:
        return None, problems
    if not found:
        examples = ("oversold large caps", "price under $20", "everything")
        return None, [Problem(0, len(text), text, "say what to look for", examples)]
    deep = _too_deep(found)
    if deep is not None:
        return None, [deep.problem(f"more than {MAX_NESTING} parentheses within each other")]
    ready = arranged(found, text)
    try:
        tree = _grammar().parse(cast("str", ready))  # our lexer takes tokens where lark's take text
    except lark.UnexpectedToken as error:
        at = error.token.value
        place = ready.index(at) if isinstance(at, Token) else len(ready)
        return None, [complaint(ready, place)]
    return query_of(nodes_of(tree), text)


def _too_deep(found: list[Token]) -> Token | None:
    depth, negations = 0, 0
    for token in found:
        depth += (token.terminal == "LPAR") - (token.terminal == "RPAR")
        negations = negations + 1 if token.terminal in {"NOT", "LPAR"} else 0
        if max(depth, negations) > MAX_NESTING:
            return token
    return None


class _Tokens(Lexer):
    """Hands tokens to lark, each as the value of one of lark's."""

    def __init__(self, _conf: object) -> None:
        pass

    def lex(self, data: Any) -> Iterator[lark.Token]:  # type: ignore[override] # lark calls a lexer without a state with the input alone
        for token in data:
            terminal = lark.Token(token.terminal, "")
            terminal.value = token
            yield terminal


@cache
def _grammar() -> lark.Lark:
    text = files("trading_assets.screener.english").joinpath("grammar.lark").read_text(encoding="utf-8")
    return lark.Lark(text, parser="lalr", lexer=_Tokens)

"""Nodes of a sentence as the grammar read it, and the stretch of characters that each was written with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lark import Tree

from trading_assets.screener.english.tokens import Token


@dataclass(frozen=True, slots=True)
class Node:
    """One rule of the grammar with its parts."""

    data: str
    children: tuple[Part, ...]

    def nodes(self, data: str) -> list[Node]:
        """Return the parts that are this rule."""
        return [child for child in self.children if isinstance(child, Node) and child.data == data]

    def find(self, data: str) -> Node | None:
        """Return the first part that is this rule."""
        return next(iter(self.nodes(data)), None)

    def node(self, data: str) -> Node:
        """Return the part that is this rule, which the grammar has put there."""
        return self.nodes(data)[0]

    def tokens(self, *terminals: str) -> list[Token]:
        """Return the parts that are one of these terminals."""
        return [child for child in self.children if isinstance(child, Token) and child.terminal in terminals]

    def token(self, *terminals: str) -> Token | None:
        """Return the first part that is one of these terminals."""
        return next(iter(self.tokens(*terminals)), None)

    def need(self, *terminals: str) -> Token:
        """Return the part that is one of these terminals, which the grammar has put there."""
        return self.tokens(*terminals)[0]


Part = Node | Token


def nodes_of(tree: Tree[Any]) -> Node:
    """Return lark's tree as nodes over our tokens, which its tokens hold as values."""
    children = (nodes_of(child) if isinstance(child, Tree) else child.value for child in tree.children)
    return Node(str(tree.data), tuple(children))


def tokens_of(part: Part) -> list[Token]:
    """List the tokens of a part, left to right."""
    if isinstance(part, Token):
        return [part]
    return [token for child in part.children for token in tokens_of(child)]


def stretch(part: Part) -> tuple[int, int]:
    """Return the first and the last character (exclusive) of a part."""
    found = tokens_of(part)
    return min(token.start for token in found), max(token.end for token in found)

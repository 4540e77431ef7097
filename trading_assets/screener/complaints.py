"""Complaints: what is missing or out of place in a row of known words that the grammar cannot read."""

from __future__ import annotations

from trading_assets.errors import Problem
from trading_assets.screener.fields import FIELDS, ScreenerField
from trading_assets.screener.tokens import Token

_JOINS = {"AND", "OR", "BUT", "COMMA", "NOR", "NOT", "NEITHER"}
_COMPARING = {"CMP", "BETWEEN", "FROM", "WITHIN", "CROSS", "TO", "OF", "MULT"}


def complaint(found: list[Token], place: int, sentence: str) -> Problem:
    """Say why the token at ``place`` (or the end of the sentence, if that is beyond the last) does not fit.

    Parameters
    ----------
    found
        Tokens as they were given to the grammar.
    place
        Index of the first token that the grammar refused.
    sentence
        As typed.
    """
    alone = _lonely(found)
    if alone is not None:
        return alone
    read = [token for token in found if token.terminal != "ORDER"]
    token = found[place] if place < len(found) else None
    before = found[place - 1] if place else None
    if token is None or token.terminal == "ORDER":
        return _unfinished(before, read, sentence)
    return _misplaced(token, before)


def _lonely(found: list[Token]) -> Problem | None:
    # half of an order: "top 20" without a measure, or a measure without an order
    terminals = [token.terminal for token in found]
    for name, message, suggestions in (
        ("TOP", "by what?", ("top 20 by market cap", "top 20 by dividend yield")),
        ("SUPER", "how many, and by what?", ("10 cheapest by P/E",)),
        ("EXTREME", "as a limit, or for the order of the results?", ("highest dividend yield first", "top 20 by dividend yield")),
        ("SORT", "by which field?", ("sorted by market cap",)),
        ("BY", "sorted by it, or the first so many?", ("sorted by market cap", "top 20 by market cap")),
    ):  # fmt: skip
        if name in terminals and (name == "BY" or "ORDER" not in terminals):
            token = found[terminals.index(name)]
            if name != "BY" or "ORDER" not in terminals:
                return token.problem(f'"{token.text}" {message}', suggestions)
    return None


def _unfinished(before: Token | None, read: list[Token], sentence: str) -> Problem:
    if before is None:
        return Problem(
            0, len(sentence), sentence, "say what to look for", ("oversold large caps", "price under $20")
        )
    opened = [token for token in read if token.terminal in {"LPAR", "RPAR"}]
    if before.terminal == "FIELD":
        return _uncompared(before)
    if before.terminal == "TEXTFIELD":
        field = FIELDS[str(before.meaning)]
        return before.problem(f"{field.label} is what?", (_text_example(field),))
    if before.terminal in _JOINS:
        return before.problem(f'"{before.text}" what?')
    if before.terminal in _COMPARING:
        return before.problem(f'"{before.text}" what? A number or a field is missing')
    if before.terminal == "SPAN":
        return before.problem(
            f'"{before.text}": ago, or in the last so many?',
            ("price > price 5 sessions ago", "in the last 5 sessions"),
        )
    if [token.terminal for token in opened].count("LPAR") > [token.terminal for token in opened].count(
        "RPAR"
    ):
        return opened[0].problem("this parenthesis is not closed")
    return before.problem(f'"{before.text}": something is missing here')


def _misplaced(token: Token, before: Token | None) -> Problem:
    if token.terminal == "RPAR":
        if before is None or before.terminal not in _JOINS | _COMPARING | {"FIELD"}:
            return token.problem("this parenthesis closes none")
        return _unfinished(before, [], "")
    if token.terminal == "STRING":
        return token.problem(
            "which field has this text?", (f"industry is {token.text}", f"name is {token.text}")
        )
    if (
        token.terminal in {"LAST", "WITHIN"}
        and before is not None
        and before.terminal not in {"CROSS", "MOVE"}
    ):
        return token.problem(
            f'"{token.text}": only crossings look back over several sessions; other conditions name an earlier one',
            ("crossed above 200-day SMA in the last 5 sessions", "RSI 5 sessions ago < 30"),
        )
    if token.terminal in {"AGO", "YESTERDAY"}:
        return token.problem(f'"{token.text}" has to follow a field', ("price > price 5 sessions ago",))
    if token.terminal in {"PERIOD", "TODAY"}:
        return token.problem(f'"{token.text}" goes with up and down', (f"up more than 5% {token.text}",))
    if before is not None and before.terminal == "FIELD":
        return _uncompared(before)
    if before is not None and before.terminal == "TEXTFIELD":
        field = FIELDS[str(before.meaning)]
        return before.problem(f"{field.label} is what?", (_text_example(field),))
    if token.terminal in {"NUMBER", "PERCENT", "MULT"}:
        return token.problem(f'"{token.text}" of what, and above or below?', ("price under $20", "RSI < 30"))
    if before is not None:
        return token.problem(f'"{token.text}" does not fit after "{before.text}"')
    return token.problem(f'"{token.text}" cannot stand first')


def _uncompared(token: Token) -> Problem:
    field = FIELDS[str(token.meaning)]
    example = {"USD": "$10", "shares": "1M", "0-100": "30"}.get(
        field.unit, "5%" if field.unit.startswith("fraction") else "1"
    )
    return token.problem(
        f"{field.label} above or below what?", (f"{field.label} > {example}", f"sorted by {field.label}")
    )


def _text_example(field: ScreenerField) -> str:
    words = {"symbol": "AAPL", "sector": "Energy", "exchange": "Nasdaq", "asset_type": "ETF"}
    return f"{field.label} is {words.get(field.name, _QUOTED[field.name == 'name'])}"


_QUOTED = ('"Biotechnology"', '"Apple Inc."')

"""Complaints: what is missing or out of place in a row of known words that the grammar cannot read."""

from __future__ import annotations

import re
from itertools import pairwise

from trading_assets.errors import Problem
from trading_assets.screener.english.tokens import Token
from trading_assets.screener.fields import FIELDS

_JOINS = {"AND", "OR", "BUT", "COMMA", "NOR", "NOT", "NEITHER"}
_COMPARING = {"CMP", "BETWEEN", "FROM", "WITHIN", "CROSS", "TO", "OF", "MULT"}
_OF_TIME = frozenset({"BACK", "WAS", "BEEN", "FOR", "EACH", "HELD", "INROW", "OFF"})
_TURNED = frozenset(
    {
        "GROWTH",
        "RISING",
        "DEVIATIONS",
        "MOVED",
        "RETURN",
        "PERSHARE",
        "OPENED",
        "TODAYS",
        "TIMES",
        "SOMEOF",
        "INATRS",
        "WORTH",
        "STREAK",
        "THAN",
        "DEGREE",
    }
)
"""Kinds that stand in no rule of the grammar: a phrase with one is rewritten whole, or is not understood."""
_OF_A_QUARTER = frozenset({"revenue_growth", "eps_growth"})
_AMOUNTS = {"NUMBER", "PERCENT", "MULT"}

# fmt: off
_HALF_ORDERS = (
    ("PERF", "how many, and over which sessions?", ("10 biggest losers today", "worst 5 of the last month")),
    ("RANKED", "how many, or first?", ("10 most volatile", "most volatile first")),
    ("UNCOUNTED", "how many, and over which sessions?", ("10 biggest losers today", "worst 5 of the last month", "20 highest yielding")),
    ("PERFORMERS", "the best or the worst, and over which sessions?", ("10 best performers of the last month",)),
    ("TOP", "by what?", ("top 20 by market cap", "top 20 by dividend yield")),
    ("SUPER", "how many, and by what?", ("10 cheapest by P/E",)),
    ("EXTREME", "as a limit, or for the order of the results?", ("highest dividend yield first", "top 20 by dividend yield")),
    ("SORT", "by which field?", ("sorted by market cap",)),
    ("BY", "sorted by it, or the first so many?", ("sorted by market cap", "top 20 by market cap")),
)
_EXAMPLES = {"symbol": "AAPL", "name": '"Apple Inc."', "sector": "Energy", "industry": '"Biotechnology"', "exchange": "Nasdaq", "asset_type": "ETF"}
_VALUES = {"USD": "$10", "shares": "1M", "0-100": "30", "fraction": "5%", "fraction per year": "20%", "days": "90"}
_STRAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "LAST": ("only crossings look back over several sessions; of other conditions say in each of them, or how many ago", ("RSI < 30 in each of the last 5 sessions", "crossed above 200-day SMA in the last 5 sessions", "RSI 5 sessions ago < 30")),
    "WITHIN": ("within how many percent of what, or how many sessions?", ("within 5% of 52-week high", "crossed above 200-day SMA within 5 sessions")),
    "AGO": ("has to follow a field", ("price > price 5 sessions ago",)),
    "BACK": ("how many sessions?", ("price > price 5 sessions ago",)),
    "YESTERDAY": ("has to follow a field or a condition", ("RSI yesterday < 30", "golden cross yesterday")),
    "FOR": ("say for how many sessions, after the condition; for less than so many cannot be asked", ("RSI > 70 for 3 days",)),
    "EACH": ("of how many sessions? It stands after its condition", ("RSI > 70 in each of the last 3 sessions",)),
    "HELD": ("stands after its condition", ("RSI > 70 for 3 days",)),
    "INROW": ("how many days in a row?", ("up 3 days in a row",)),
    "WAS": ("when? Say how many sessions ago", ("RSI was below 30 5 sessions ago",)),
    "BEEN": ("for how many sessions?", ("RSI has been above 60 for 5 days",)),
    "NOW": ("follows a condition", ("RSI above 40 now",)),
    "SIDE": ("goes with crossed", ("RSI crossed above 30",)),
    "OFF": ("how many percent off what?", ("20% off 52-week high",)),
    "PRICED": ("above or below so many times?", ("P/E < 15", "trading under 15 times earnings")),
    "SPAN": ("in a row, ago, or in the last so many?", ("up 3 days in a row", "in the last 5 sessions")),
    "IN": ("only up, down and crossings have a period", ("up 10% in the last month",)),
    "YOY": ("goes with growth of revenue or EPS", ("revenue growth > 25%", "up 25% in the last year")),
    "GROWTH": ("write it as growth, with a limit", ("revenue growth < -10%", "EPS growth > 20%")),
    "TODAYS": ("today's what?", ("volume > 2 x volume 1 session ago",)),
    "WORTH": ("the price, or the market cap?", ("market cap > $10B", "price > $20")),
    "STREAK": ("of how many days?", ("down 3 days in a row",)),
    "THAN": ("compared how?", ("volume > volume 1 session ago",)),
    "DEGREE": ("than what?", ("volume > volume 1 session ago",)),
    "SOMEOF": ("so many of several sessions cannot be asked for: say each of them", ("down 3 days in a row",)),
    "INATRS": ("distances are in percent of the price", ("price more than 10% above 50-day SMA", "ATR > 3% of price")),
    "TIMES": ("a number goes before it", ("volume > 2 x 20-day average volume",)),
    "PERSHARE": ("an amount of dollars a share is said of the price", ("price under $20",)),
    "OPENED": ("how much higher or lower?", ("opened 2% higher", "gapped up")),
    "RETURN": ("returns run over fixed numbers of sessions: 1, 5, 21, 63, 126, 252", ("21-day return > 5%", "top 20 by 63-day return")),
    "RISING": ("a direction over time has to be a comparison with an earlier session, or be said of a number of days", ("volume rising for 3 days", "volume > volume 5 sessions ago")),
    "DEVIATIONS": ("deviations from the 20-day average are held, as the z-score", ("z-score < -2", "2 standard deviations below the 20-day average")),
    "MOVED": ("by how much, and over which sessions?", ("up more than 10% in the last month", "down more than 10% in the last month")),
    "EQ": ("numbers are not compared for being equal", ("RSI > 70", "RSI < 30")),
    "USUAL": ("the usual volume?", ("20-day average volume",)),
    "RANK": ("by which field?", ("sorted by market cap",)),
    "NEAR": ("within how many percent of what?", ("within 5% of 52-week high",)),
    "THEN": ("has to follow a condition", ("RSI was below 30 5 sessions ago",)),
    "DAILY": ("of the session, or on average?", ("volume > 1M", "20-day average volume > 1M")),
    "TURNED": ("which field turned?", ("MACD histogram turned positive",)),
    "TODAY": ("goes with up and down", ("up more than 5% today",)),
    "RPAR": ("this parenthesis closes none", ()),
    "ALL": ("everything, or what comes with it?", ("everything",)),
}
# fmt: on


def complaint(found: list[Token], place: int) -> Problem:
    """Say why the token at ``place`` (or the end of the sentence, if that is beyond the last) does not fit.

    Parameters
    ----------
    found
        Tokens as they were given to the grammar.
    place
        Index of the first token that the grammar refused.
    """
    half = _half_said(found) or _stuck(found, place)
    if half is not None:
        return half
    terminals = [token.terminal for token in found]
    if "ORDER" not in terminals:
        for terminal, message, suggestions in _HALF_ORDERS:
            if terminal in terminals:
                token = found[terminals.index(terminal)]
                examples = _of_its_field(found, token) or suggestions
                return token.problem(f'"{token.text}" {message}', examples)
    before = found[place - 1] if place else None
    if place == len(found) or found[place].terminal in {"ORDER", "RPAR"}:
        unfinished = _unfinished(before, found[:place])
        if unfinished is not None:
            return unfinished
    if place == len(found):
        last = found[-1]
        return last.problem(f'"{last.text}": something is missing after it')
    return _misplaced(found[place], before)


def _of_its_field(found: list[Token], token: Token) -> tuple[str, ...]:
    # "highest dividend yield": first, or so many of them
    after = found[found.index(token) + 1] if token is not found[-1] else None
    if token.terminal != "EXTREME" or after is None or after.terminal != "FIELD":
        return ()
    label, end = FIELDS[str(after.meaning)].label, "top" if token.meaning else "bottom"
    return f"{'highest' if token.meaning else 'lowest'} {label} first", f"{end} 20 by {label}"


def _half_said(found: list[Token]) -> Problem | None:
    # words that lack something wherever they stand
    terminals = [token.terminal for token in found]
    if "CROSSED" in terminals:
        token = found[terminals.index("CROSSED")]
        message = f'"{token.text}": crossed what, and to which side?'
        return token.problem(message, ("50-day SMA crossed above 200-day SMA",))
    for token, after in pairwise(found):
        told = _beside(token, after)
        if told is not None:
            return told
    if re.search(r"BETWEEN (?:NUMBER|FIELD) AND FIELD", " ".join(terminals)):
        token = found[terminals.index("BETWEEN")]
        message = f'"{token.text}" two fields: which of them is above?'
        return token.problem(
            message,
            ("price > 50-day SMA and price < 200-day SMA", "price < 50-day SMA and price > 200-day SMA"),
        )
    turned = next((token for token in found if token.terminal in _TURNED), None)
    if turned is not None:
        message, suggestions = _STRAYS[turned.terminal]
        return turned.problem(f'"{turned.text}": {message}', suggestions)
    best = next(
        (token for token in found if token.terminal == "PERF" and token.text.lower() in {"best", "worst"}),
        None,
    )
    if best is None or "ORDER" in terminals:
        return None
    examples = ("best 5 of the last month", "top 5 by dividend yield")
    return best.problem(f'"{best.text}" by what? A return needs its sessions', examples)


def _beside(token: Token, after: Token) -> Problem | None:
    if token.terminal == "CMP" and after.terminal == "TEXTFIELD":
        message = f'"{after.text}": averages of a sector or an industry are not held: give a number'
        return after.problem(message, ("P/E < 15",))
    if token.meaning in _OF_A_QUARTER and after.terminal == "LAST":
        label = FIELDS[str(token.meaning)].label
        message = f'"{after.text}": {label} is that of the last quarter against the same one a year before'
        return after.problem(message, ("revenue growth > 20%",))
    if (token.terminal, after.terminal) == ("TOP", "PERCENT"):
        message = f'"{token.text}" so many percent cannot be asked for: say how many'
        return token.problem(message, ("top 50 by momentum",))
    return None


def _stuck(found: list[Token], place: int) -> Problem | None:
    stuck = next((token for token in found if token.terminal == "STUCK"), None)
    if stuck is None:
        stuck = next(
            (token for token in found[max(place - 1, 0) : place + 1] if token.terminal == "CUT"), None
        )
    if stuck is None:
        return None
    message = (
        f'"{stuck.text}" stands within a condition: put the order of the results at the end, after a comma'
    )
    return stuck.problem(message)


def unfulfilled(found: list[Token], led: str, sentence: str) -> Problem | None:
    """Say what an introducing word announced that did not follow: "tech stocks with", "either tech"; None if all did.

    Parameters
    ----------
    found
        Every token of the sentence.
    led
        The introducing word after the last token, empty if there is none.
    sentence
        As it was typed.
    """
    if led and found:
        text = sentence[found[-1].start :]
        return Problem(found[-1].start, len(sentence), text, f'"{led}" what?', ())
    choices = [place for place, token in enumerate(found) if token.led == "either"]
    if choices and not any(token.terminal == "OR" for token in found[choices[-1] :]):
        return found[choices[-1]].problem("either this or what?")
    return None


def _unfinished(before: Token | None, read: list[Token]) -> Problem | None:
    if before is None:
        return None
    if before.terminal in {"FIELD", "TEXTFIELD"}:
        return _uncompared(before)
    if before.terminal in _JOINS | _COMPARING:
        kind = "A number or a field is missing" if before.terminal in _COMPARING else "A condition is missing"
        return before.problem(f'"{before.text}" what? {kind}')
    if before.terminal == "SPAN":
        examples = ("price > price 5 sessions ago", "in the last 5 sessions")
        return before.problem(f'"{before.text}": ago, or in the last so many?', examples)
    opened = [token for token in read if token.terminal == "LPAR"]
    closed = sum(token.terminal == "RPAR" for token in read)
    return opened[-1].problem("this parenthesis is not closed") if len(opened) > closed else None


def _misplaced(token: Token, before: Token | None) -> Problem:
    if before is not None and before.terminal in {"FIELD", "TEXTFIELD"} and token.terminal not in _OF_TIME:
        return _uncompared(before)
    if token.terminal == "STRING":
        return token.problem(
            "which field has this text?", (f"industry is {token.text}", f"name is {token.text}")
        )
    if token.terminal in _STRAYS:
        message, suggestions = _STRAYS[token.terminal]
        return token.problem(f'"{token.text}": {message}', suggestions)
    if token.terminal in _AMOUNTS:
        return token.problem(f'"{token.text}" of what, above or below?', ("price under $20", "RSI < 30"))
    if before is not None:
        return token.problem(
            f'"{token.text}" does not fit after "{before.text}": a comma, or a word between?'
        )
    return token.problem(f'"{token.text}" cannot stand first')


def _uncompared(token: Token) -> Problem:
    field = FIELDS[str(token.meaning)]
    if field.kind == "text":
        return token.problem(f"{field.label} is what?", (f"{field.label} is {_EXAMPLES[field.name]}",))
    example = f"{field.label} > {_VALUES.get(field.unit, '1')}"
    return token.problem(f"{field.label} above or below what?", (example, f"sorted by {field.label}"))

"""The screener's English: any query survives being written and read, and no sentence is ever half understood."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trading_assets.screener.english.lexemes import ARTICLES
from trading_assets.screener.english.parse import parse, understand
from trading_assets.screener.english.quantities.amount_words import UNIT_WORDS, VALUED_BY
from trading_assets.screener.english.quantities.amounts import MAGNITUDES
from trading_assets.screener.english.quantities.numerals import NUMBER_WORDS
from trading_assets.screener.english.vocabulary import vocabulary
from trading_assets.screener.english.wording import describe, write
from trading_assets.screener.fields import FIELDS, is_comparable
from trading_assets.screener.filters import (
    MAX_DEPTH,
    MAX_SESSIONS_AGO,
    MAX_TOP,
    And,
    Between,
    Comparison,
    Cross,
    In,
    Not,
    Or,
    Query,
    Sort,
    Term,
    children,
)
from trading_assets.screener.ranges import never_or_always
from trading_assets.sectors import SECTORS

NUMBERS = [field.name for field in FIELDS.values() if field.kind == "number"]
TEXTS = [field.name for field in FIELDS.values() if field.kind == "text"]
number_fields = st.sampled_from(NUMBERS)
in_each = st.one_of(st.just(1), st.integers(2, 60))
ago = st.one_of(st.just(0), st.integers(0, MAX_SESSIONS_AGO - 60))


def values(field: str) -> st.SearchStrategy[float]:
    """Any float that the field can have, and the round ones that people write."""
    low, high = FIELDS[field].valid_range
    round_numbers = [0.0, 0.03, 0.155, 0.5, 1.0, 30.0, 1e6, 2.5e9, 1234567.0, 1e300, 5e-324, -0.2, -30.0]
    fitting = [
        number
        for number in round_numbers
        if (low is None or number >= low) and (high is None or number <= high)
    ]
    return st.one_of(
        st.sampled_from(fitting),
        st.floats(low, high, allow_nan=False, allow_infinity=False),
    )


def terms(field: str, sessions: st.SearchStrategy[int]) -> st.SearchStrategy[Term]:
    factors = st.one_of(
        st.sampled_from([1.0, 0.95, 1.1, 2.0, 0.5, -1.0, 0.0]),
        st.floats(allow_nan=False, allow_infinity=False),
    )
    alike = st.sampled_from([name for name in NUMBERS if is_comparable(field, name)])
    return st.builds(Term, field=alike, sessions_ago=sessions, factor=factors)


comparisons = number_fields.flatmap(
    lambda field: st.builds(
        Comparison,
        field=st.just(field),
        sessions_ago=ago,
        operator=st.sampled_from(["<", "<=", ">", ">="]),
        value=st.one_of(values(field), terms(field, ago)),
        in_each=in_each,
    )
)
betweens = number_fields.flatmap(
    lambda field: st.tuples(values(field), values(field), ago, in_each).map(
        lambda t: Between(field=field, low=min(t[:2]), high=max(t[:2]), sessions_ago=t[2], in_each=t[3])
    )
)
comparisons, betweens = (
    found.filter(lambda node: never_or_always(node) is None) for found in (comparisons, betweens)
)
crosses = number_fields.flatmap(
    lambda field: st.builds(
        Cross,
        field=st.just(field),
        direction=st.sampled_from(["above", "below"]),
        value=st.one_of(values(field), terms(field, st.just(0))),
        within=st.integers(1, 63),
    )
).filter(lambda node: never_or_always(node) is None)
words = st.one_of(
    st.sampled_from(
        ["Energy", "Information Technology", "AAPL", "BRK.B", "OR", "IT", "A", "XNAS", "ETF", "", '"', "CS"]
    ),
    st.text(),
)
memberships = st.sampled_from(TEXTS).flatmap(
    lambda field: st.builds(
        In,
        field=st.just(field),
        values=st.lists(
            st.sampled_from([sector.name for sector in SECTORS]) if field == "sector" else words,
            min_size=1,
            max_size=4,
        ).map(tuple),
    )
)
leaves = st.one_of(comparisons, betweens, crosses, memberships)
trees = st.recursive(
    leaves,
    lambda child: st.one_of(
        st.builds(And, filters=st.lists(child, min_size=2, max_size=4).map(tuple)),
        st.builds(Or, filters=st.lists(child, min_size=2, max_size=4).map(tuple)),
        st.builds(Not, filter=child),
    ),
    max_leaves=12,
)


def depth(node) -> int:
    return 1 + max((depth(child) for child in children(node)), default=0)


@st.composite
def queries(draw) -> Query:
    where = draw(st.one_of(st.none(), trees))
    assume(where is None or depth(where) <= MAX_DEPTH)
    sort = draw(st.one_of(st.none(), st.builds(Sort, field=number_fields, descending=st.booleans())))
    top = draw(st.one_of(st.none(), st.integers(1, MAX_TOP))) if sort else None
    return Query(where=where, sort=sort, top=top)


def bits(query: Query) -> str:
    return query.model_dump_json()


@settings(max_examples=200, deadline=None)
@given(queries())
def test_any_query_is_read_back_from_its_sentence_bit_for_bit(query):
    written = write(query)
    understood = understand(written)
    assert understood.problems == (), written
    assert understood.query == query, written
    assert bits(understood.query) == bits(query), written
    assert understood.canonical == written


SENTENCES = (
    "P/E under 15 and dividend yield above 3%",
    "tech stocks with market cap over $10B and revenue growth more than 20%, sorted by P/E ascending",
    "RSI below 30 and price above the 200-day moving average",
    "20 SMA crossing above 50 SMA in the last 5 sessions or golden cross",
    "within 5% of 52 week high, not energy, top 20 by market cap",
    "(price > 1 and price < 10) or price more than 10% above 50-day EMA",
    "market cap between 2b and 10b sorted by dividend yield",
    "oversold large caps",
    "symbol is AAPL, or MSFT and price between $5 and $10",
    'symbol is "AAPL" or MSFT or price > 5',
    'industry is "Biotechnology" or "Banks", liquid',
    "up more than 5% in the last week and gapped up at least 2%",
    "RSI 5 sessions ago below 30 but volume 2x average volume",
    "top 10 tech stocks by dividend yield",
    "excluding (energy or penny stocks), yield 3% or more",
    "sector is neither energy nor utilities",
    "10 cheapest by pe",
)
KNOWN = (
    {word for key in (*vocabulary().entries, *UNIT_WORDS, *VALUED_BY) for word in key}
    | ARTICLES
    | MAGNITUDES.keys()
    | NUMBER_WORDS
    | {"minus"}
)
letters = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=9)
unknown_words = letters.filter(lambda word: word not in KNOWN)


def gaps(sentence: str) -> list[int]:
    """Places between words, none of them within quotes."""
    return [
        place
        for place in range(len(sentence) + 1)
        if (place in {0, len(sentence)} or sentence[place] == " ") and sentence[:place].count('"') % 2 == 0
    ]


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(SENTENCES), unknown_words)
def test_an_unknown_word_anywhere_blocks_the_whole_sentence(data, sentence, word):
    place = data.draw(st.sampled_from(gaps(sentence)))
    understood = understand(f"{sentence[:place]} {word} {sentence[place:]}")
    assert understood.query is None
    assert any(word in problem.text for problem in understood.problems)


PIECES = (
    "for 3 days", "3 days in a row", "in each of the last 5 sessions", "was", "has been", "now", "banks", "thirty", "off", "doubled",
    "flipped positive", "yielding", "3x", "average volume", "times earnings", "worst 5", "of the last month", "20 and 50 day",
    "tech", "energy", "Nasdaq", "ETFs", "oversold", "golden cross", "penny stocks", "large cap", "RSI", "price", "volume",
    "dividend yield", "P/E", "200-day SMA", "average volume", "52 week high", "above", "below", "at least", "between", "within",
    "within 5% of", "30", "$20", "5%", "2x", "1m", "and", "or", "not", "excluding", "but", ",", "(", ")", "neither", "nor", "of",
    "crossed above", "in the last 5 sessions", "5 sessions ago", "yesterday", "today", "in the last month", "up", "down", "gapped up",
    "positive", "either", "ON", "A", "or more", "to", "sorted by", "ascending", "top 20", "by", "highest", "first", "symbol is", "AAPL", "MSFT", "sector is",
)  # fmt: skip
OPTIONAL = {
    "of", ",", "(", ")", "today", "and", "but", "price", "sector is", "first", "highest", "ascending", "by", "at least", "or more",
    "either", "ON", "A", "was", "has been", "now", "volume",
}  # fmt: skip
"""Pieces that a sentence may mean the same without: what they say is said by the order of words, or is so anyway
(a gap of 2% is one of at least 2%)."""


CLAUSES = (
    ("tech",), ("energy", "or", "utilities"), ("oversold",), ("large cap",), ("Nasdaq",), ("gapped up", "2%"),
    ("RSI", "below", "30"), ("price", "above", "200-day SMA"), ("P/E", "between", "5", "and", "10"), ("under", "$20"),
    ("within 5% of", "52 week high"), ("volume", "above", "2x", "average volume"), ("golden cross", "in the last 5 sessions"),
    ("50-day SMA", "crossed above", "200-day SMA"), ("RSI", "5 sessions ago", "at least", "30"), ("not", "penny stocks"),
    ("up", "more than", "5%", "in the last week"), ("positive", "momentum"), ("dividend yield", "3%", "or more"),
    ("RSI", "above", "70", "for 3 days"), ("down", "3 days in a row"), ("banks",), ("3x", "average volume"), ("doubled", "in the last year"),
    ("under", "20", "P/E"), ("RSI", "was", "under", "30", "5 sessions ago"), ("MACD", "flipped positive", "yesterday"),
    ("symbol is", "AAPL", "or", "MSFT"), ("price", "more than", "10%", "above", "50-day SMA"), ("below", "70"),
    ("excluding", "(", "ETFs", "or", "cheap", ")"), ("neither", "energy", "nor", "tech"), ("sorted by", "P/E", "ascending"),
    ("top 20", "by", "market cap"), ("highest", "dividend yield", "first"),
)  # fmt: skip
JOINS = (("and",), ("or",), (",",), ("but",), (), ("and", "not"))


@st.composite
def sentences(draw) -> list[str]:
    """Clauses in a row, whole or with one piece too many, too few or out of place."""
    pieces: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        pieces += (draw(st.sampled_from(JOINS)) if number else ()) + draw(st.sampled_from(CLAUSES))
    place = draw(st.integers(0, len(pieces) - 1))
    change = draw(st.sampled_from(["none", "more", "less", "swap"]))
    if change == "more":
        pieces.insert(place, draw(st.sampled_from(PIECES)))
    elif change == "less" and len(pieces) > 1:
        del pieces[place]
    elif change == "swap":
        other = draw(st.integers(0, len(pieces) - 1))
        pieces[place], pieces[other] = pieces[other], pieces[place]
    return pieces


@settings(max_examples=500, deadline=None)
@given(st.one_of(sentences(), st.lists(st.sampled_from(PIECES), min_size=1, max_size=7)))
def test_words_in_any_order_are_either_refused_or_all_count(pieces):
    sentence = " ".join(pieces)
    understood = understand(sentence)
    if understood.query is None:
        assert understood.problems
        assert all(sentence[problem.start : problem.end] == problem.text for problem in understood.problems)
        return
    assert parse(understood.canonical) == understood.query
    for place, piece in enumerate(pieces):
        # what is said twice may be left out once: "RSI above 30 and RSI below 70", "energy, or utilities", "RSI oversold"
        before, after = ["", *pieces][place], [*pieces, ""][place + 1]
        twice = (
            pieces.count(piece) > 1 or (before, piece) == (",", "or") or (piece, after) == ("RSI", "oversold")
        )
        if piece not in OPTIONAL and not twice:
            without = " ".join(pieces[:place] + pieces[place + 1 :])
            assert understand(without).query != understood.query, f"{piece!r} says nothing in {sentence!r}"


LIKE_SYMBOLS = (
    "AAPL", "MSFT", "C", "F", "T", "A", "AN", "THE", "ON", "HAS", "ARE", "IN", "LIST", "ONLY", "JUST", "WITH", "GET", "ALL", "IT",
    "OR", "AND", "BUT", "NO", "HOT", "UP", "LOW", "MAX", "D", "TECH", "ETF", "BY", "NOW", "SHARE", "CHEAP", "RSI", "BIG",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["symbol is", "ticker is not", "symbol in"]),
    st.lists(st.sampled_from(LIKE_SYMBOLS), min_size=1, max_size=4, unique=True),
    st.sampled_from([", ", " or ", ", or ", " "]),
)
def test_a_list_of_symbols_is_refused_or_holds_every_one_of_them(start, symbols, join):
    where = getattr(understand(f"{start} {join.join(symbols)}").query, "where", None)
    found = where.filter if isinstance(where, Not) else where
    assert found is None or found == In(field="symbol", values=tuple(symbols))


WHOLE = (
    "price above 5", "market cap over 1b", "tech", "oversold", "large caps", "not energy", "rsi < 30 or rsi > 70", "pe between 5 and 10",
    "golden cross", "within 5% of 52 week high", "price yesterday above 20",
)  # fmt: skip
LATE = ("below 30", "above 3", "over 1m", "oversold", "energy", "under $20", "pe < 10", "or tech", "and", "not", "5", "between 1 and 2", "above 200 sma")  # fmt: skip
ORDER_CLAUSES = ("sorted by rsi", "top 10 by volume", "highest dividend yield first", "10 cheapest by pe", "sorted by pe ascending")  # fmt: skip


def conjuncts(query: Query) -> list:
    return list(query.where.filters) if isinstance(query.where, And) else [query.where]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.sampled_from(["", ", ", " and ", " not ", " or ", " above ", " between "]),
    st.sampled_from(ORDER_CLAUSES),
    st.sampled_from([" ", ", ", " and "]),
    st.sampled_from(LATE),
)
def test_an_order_in_the_middle_joins_nothing_across_it(first, tie, order, gap, last):
    query = understand(f"{first}{tie or ' '}{order}{gap}{last}").query
    if query is not None:
        alone = understand(last).query
        assert alone is not None
        assert conjuncts(query) == [*conjuncts(parse(first)), *conjuncts(alone)]


LIMITS = st.sampled_from(["below 30", "above 70", "not below 30", "not above 70", "at least 50", "between 10 and 20", "not between 10 and 20"])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["", "tech with ", "oversold, ", "large caps or mid caps with ", "pe < 10 and "]),
    st.sampled_from(["rsi ", "rsi is ", "either rsi ", "adx "]),
    LIMITS,
    LIMITS,
    st.sampled_from(["", ", volume > 1m", " and tech"]),
)
def test_alternatives_of_one_field_are_grouped_or_asked_back(before, field, one, other, after):
    assume(one != other)
    query = understand(f"{before}{field}{one} or {other}{after}").query
    if query is None:
        return
    name = field.replace("is ", "").replace("either ", "")
    either = Or(filters=(parse(f"{name}{one}").where, parse(f"{name}{other}").where))
    assert either in (conjuncts(query) if before or after else [query.where]), describe(query.where)
    assert not one.startswith("not") or other.startswith("not")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_at_all_is_read_or_refused(text):
    understood = understand(text)
    assert (understood.query is None) == bool(understood.problems)
    assert all(text[problem.start : problem.end] == problem.text for problem in understood.problems)

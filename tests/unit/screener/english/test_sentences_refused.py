"""Sentences that are refused: each with the part that is marked, and what is said about it."""

# fmt: off

from __future__ import annotations

import pytest

from trading_assets.errors import NotUnderstoodError
from trading_assets.screener.english.parse import MAX_LENGTH, parse, understand

REFUSED = [
    ("best stocks to buy", "best", "is no measure"),
    *[(said, "within", "within how many percent of what") for said in (
        "within oversold", "tech within oversold", "within an uptrend", "tech, within an uptrend", "not within an uptrend",
        "with within an uptrend", "oversold within within an uptrend", "energy or within a downtrend",
    )],
    ("up more than 10% this year", "this year", "say how many sessions"),
    ("golden cross this week", "this week", "say how many sessions"),
    ("RSI above the 200 day average", "RSI above the 200 day average", "of different kinds"),
    ("volume crossed above market cap", "volume crossed above market cap", "of different kinds"),
    ("best stocks to buy", "to buy", "gives no advice"),
    ("companies with expanding margins", "expanding", "comparison with an earlier session"),
    ("companies with expanding margins", "margins", "which margin"),
    ("cheaper than AAPL", "cheaper than", "comparison with another company"),
    ("cannabis stocks", "cannabis", "no such industry"),
    ("natural gas", "natural gas", "no such industry"),
    ("sector is software", "sector is software", "is no sector but an industry"),
    ("energy and banks", "banks", "nothing is both"),
    ("tech, airlines with pe < 10", "airlines", "nothing is both"),
    ("excluding energy or banks", "excluding energy or banks", 'how far does "excluding" reach?'),
    ("consumer stocks", "consumer", "which of the two consumer sectors"),
    ("positive free cash flow", "free cash flow", "no cash flows are held"),
    ("eps above 2", "eps", "amounts of the statements are no fields"),
    ("price above 1 year ago", "1 year ago", "count in sessions"),
    ("price above 5 days", "5 days", "not counted in days"),
    ("price above open", "open", "no fields"),
    ("top 20", "top", "by what?"),
    ("top 20 tech stocks", "top", "by what?"),
    ("top 20 by sector", "top", "by what?"),
    ("top 2.5 by market cap", "top 2.5 by market cap", "a whole number of results"),
    ("top 20 by pe sorted by rsi", "top 20 by pe", "two orders"),
    ("tech by market cap", "by", "sorted by it, or the first so many?"),
    ("highest dividend yield", "highest", "as a limit, or for the order"),
    ("cheapest stocks", "cheapest", "how many, and by what?"),
    ("sorted by", "sorted by", "by which field?"),
    ("oversold, limit 20", "limit 20", "by what?"),
    ("rsi", "rsi", "RSI above or below what?"),
    ("rsi above", "above", "A number or a field is missing"),
    ("rsi 30", "30", "RSI above or below 30?"),
    ("price = 20", "= 20", "not compared for being equal"),
    ("20", "20", "of what, above or below?"),
    ("under 20", "under 20", "of which field?"),
    ("under $2b", "under $2b", "of which field?"),
    ("rsi above 50 below 70", "below 70", "of which field?"),
    ("price > 5 > 3", "> 3", "of which field?"),
    ("price > 5 and", "and", "A condition is missing"),
    ("and price > 5", "and", "cannot stand first"),
    ("or utilities", "or", "cannot stand first"),
    ("(price > 5", "(", "not closed"),
    ("price > 5)", ")", "closes none"),
    ("price between 5", "5", "something is missing after it"),
    ("not", "not", "A condition is missing"),
    ("sector is", "sector", "sector is what?"),
    ("energy or and tech", "and", "does not fit after"),
    ("stocks", "stocks", "say what to look for"),
    ("", "", "say what to look for"),
    ("RSI above 300", "RSI above 300", "always between 0 and 100"),
    ("dividend yield above -2%", "dividend yield above -2%", "always 0% or more"),
    ("down more than 150% today", "down more than 150% today", "always -100% or more"),
    ("pe between 5 and 2", "between 5 and 2", "nothing lies there"),
    ("price above 5%", "price above 5%", "not in percent but in dollars"),
    ("volume above $1m", "volume above $1m", "not in dollars but in shares"),
    ("debt to equity below 50%", "debt to equity below 50%", "not in percent but a ratio"),
    ("price above 2x", "price above 2x", "how many times what?"),
    ("dividend yield above 0.03", "dividend yield above 0.03", "0.03% or 3%?"),
    ("market cap between 2 and 10b", "between 2 and 10b", "2 as it is, or in the unit of the second"),
    ("price above 30 day moving average", "30 day moving average", "only 20-day SMA, 50-day SMA, 200-day SMA"),
    ("price above SMA(100)", "SMA(100)", "only 20-day SMA, 50-day SMA, 200-day SMA"),
    ("sma 30 above 5", "sma 30", "only 20-day SMA, 50-day SMA, 200-day SMA"),
    ("price above moving average", "moving average", "only 20-day SMA"),
    ("rsi(2) < 10", "rsi(2)", "there is only RSI"),
    ("50 day average volume above 1m", "50 day average volume", "only the average volume of 20 sessions"),
    ("qwerty and pe under 15", "qwerty", "is not a word of the screener"),
    ("AAPL", "AAPL", "symbol is AAPL"),
    ("symbol is aapl or msft", "msft", "did you mean MSFT?"),
    ("symbol is HOT", "HOT", "put the symbol into quotes"),
    ("industry is energy", "industry is energy", "is no industry but a sector"),
    ('"Biotechnology"', '"Biotechnology"', "which field has this text?"),
    ("name contains apple", "contains", "compared as a whole"),
    ("rsi below 30 in the last 5 sessions", "in the last", "only crossings look back"),
    ("rsi below 30 for days", "rsi below 30 for days", "from 2 to 252 sessions"),
    ("rsi below 30 for 1 day", "rsi below 30 for 1 day", "from 2 to 252 sessions"),
    ("rsi below 30 for 300 days", "rsi below 30 for 300 days", "from 1 to 252"),
    ("rsi below 30 for more than 3 days", "for", "for less than so many cannot be asked"),
    ("golden cross for 3 days", "golden cross for 3 days", "comparisons that all hold"),
    ("(rsi < 30 or rsi > 70) for 3 days", "(rsi < 30 or rsi > 70) for 3 days", "comparisons that all hold"),
    ("not oversold for 3 days", "not oversold for 3 days", "in none of these sessions, or not in all"),
    ("rsi not above 70 for 3 days", "rsi not above 70 for 3 days", "in none of these sessions, or not in all"),
    ("rsi above 60 and price above 50 day for 5 days", "price above 50 day for 5 days", "of both conditions, or of the last?"),
    ("rsi below 30 or rsi above 70 for 3 days", "rsi above 70 for 3 days", "of both conditions, or of the last?"),
    ("oversold and below the 50 day for 3 days", "below the 50 day for 3 days", "of both conditions, or of the last?"),
    ("rsi under 30 and pe under 10 yesterday", "pe under 10 yesterday", "of both conditions, or of the last?"),
    ("up 2% for 3 days", "up 2% for 3 days", "in each of them, or in sum?"),
    ("up for 3 days", "up for 3 days", "in each of them, or in sum?"),
    ("up 3 days", "days", "in a row"),
    ("rsi was under 30", "was", "when?"),
    ("rsi has been under 30", "has been", "for how many sessions?"),
    ("price above 200 sma yesterday", "price above 200 sma yesterday", "of both, or of the 200-day SMA alone?"),
    ("price above the 200", "200", "$200 or the 200-day SMA?"),
    ("price below its 20 day average, above the 200", "200", "$200 or the 200-day SMA?"),
    ("hasn't been above the 50 and 200 day", "200 day", "above or below what?"),
    ("hasn't been above the 50 day and the 200 day", "200 day", "above or below what?"),
    ("not price > 50sma > 200sma", "> 200sma", "of which field?"),
    ("price > 50sma < 200sma", "< 200sma", "of which field?"),
    ("volume above 1m shares a day", "shares a day", "of the session, or on average?"),
    ("not above the 50 and 200 day", "200 day", "above or below what?"),
    ("macd above its signal and both above zero", "both", "of which fields?"),
    ("price between one and two hundred", "between one and two hundred", "hundreds as the second number?"),
    ("10 largest dividend payers", "largest", "as a limit, or for the order"),
    ("10 biggest losers", "biggest losers", "over which sessions?"),
    ("best 5 tech stocks", "best", "by what?"),
    ("top 10% by momentum", "top", "say how many"),
    ("pe of 15 or better", "15 or better", "more, or less P/E?"),
    ("trading at 10 times earnings", "10", "above or below?"),
    ("doubled in the last two years", "in the last two years", "not 504"),
    ("halved", "halved", "since when?"),
    ("flipped positive yesterday", "flipped positive", "of which field?"),
    ("volume flipped positive", "flipped positive", "turns to nothing else"),
    ("below its 200 day by less than 10%", "below its 200 day by less than 10%", "by how much, at least?"),
    ("not still oversold", "not still", "Say it without"),
    ("symbol is ONE", "ONE", "put the symbol into quotes"),
    ("dow stocks", "dow", "members of indices"),
    ("50 sma crossed 200 sma", "crossed", "to which side?"),
    ("50 sma crossed above 200 sma 3 sessions ago in the last 5 sessions", "crossed above 200 sma 3 sessions ago in the last 5 sessions", "or within several?"),
    ("50 sma crossed above 200 sma in the last 100 sessions", "in the last 100 sessions", "from 1 to 63"),
    ("golden cross recently", "recently", "within how many sessions?"),
    ("large caps within 5 sessions", "within 5 sessions", "only crossings look back"),
    ("up 5%", "up 5%", "since when?"),
    ("up 5% year to date", "year to date", "fixed numbers of sessions"),
    ("up 5% in the last 2 weeks", "in the last 2 weeks", "not 10"),
    ("up less than 5% today", "less than 5%", "from where on?"),
    ("volume up 50% today", "up 50% today", "said of the price"),
    ("price about $20", "about", "how near?"),
    ("price less than 10% above 50 sma", "less than 10% above 50 sma", "from where on?"),
    ("high dividend yield", "high", "needs a number"),
    ("undervalued stocks", "undervalued", "has no fixed meaning"),
    ("s&p 500 stocks", "s&p 500", "members of indices"),
    ("excluding energy and penny stocks", "excluding energy and penny stocks", 'how far does "excluding" reach?'),
    ("not oversold or overbought", "not oversold or overbought", 'how far does "not" reach?'),
    ("not cheap tech", "not cheap tech", 'how far does "not" reach?'),
    ("excluding energy with yield > 4%", "excluding energy with yield > 4%", 'how far does "excluding" reach?'),
    ("yield above 3 €", "€", "is not a word"),
    ("rsi below 50 and above 70", "above 70", "nothing is both"),
    ("sector is energy utilities", "utilities", "a share has one sector"),
    ("tech energy stocks", "energy", "a share has one sector"),
    ("price above price earlier", "earlier", "how many sessions?"),
    ("volume above average", "average", "of what?"),
    ("price above 14 day rsi below 30", "below 30", "of which field?"),
    ("no dividend", "no dividend", "cannot be told from one"),
    ("tech stocks in 2016", "2016", "of what"),
    *((f"symbol is AAPL, {word}", word, "put the symbol into quotes") for word in ("ON", "ARE", "AN", "A", "LIST", "ONLY", "GET", "ALL", "IT")),
    ("symbol is not AAPL, HAS, MSFT", "HAS", "put the symbol into quotes"),
    ("symbol is C, A, F", "A", "put the symbol into quotes"),
    ("symbol is AAPL, on", ",", "A condition is missing"),
    ("symbol is AAPL, OR", "OR", "A condition is missing"),
    ("symbol is AAPL nor MSFT", "nor", "does not fit"),
    ("tech stocks with", "tech stocks with", '"with" what?'),
    ("either tech", "tech", "either this or what?"),
    ("price above 5, sorted by rsi below 30", "sorted by rsi", "put the order of the results at the end"),
    ("pe below 15, sorted by dividend yield above 3", "sorted by dividend yield", "at the end"),
    ("market cap over 1b, top 10 by volume over 1m", "top 10 by volume", "at the end"),
    ("tech sorted by pe or oversold", "sorted by pe", "at the end"),
    ("tech or oversold, sorted by pe, large caps", "sorted by pe", "at the end"),
    ("large cap exclude top 10 by volume tech", "top 10 by volume", "at the end"),
    ("not top 20 by pe tech", "top 20 by pe", "at the end"),
    ("price above top 10 by volume 5", "top 10 by volume", "at the end"),
    ("price above 5, sorted by rsi, below 30", "below 30", "of which field?"),
    ("rsi is not below 30 or above 70", "rsi is not below 30 or above 70", 'how far does "or" reach?'),
    ("rsi not above 70 or below 30", "rsi not above 70 or below 30", 'how far does "or" reach?'),
    ("price not below 5 or above 100", "price not below 5 or above 100", 'how far does "or" reach?'),
    ("momentum not positive or above 5", "momentum not positive or above 5", 'how far does "or" reach?'),
    ("not rsi below 30, above 70", "not rsi below 30, above 70", 'how far does "not" reach?'),
    ("rsi above 50 and below 70 or above 90", "below 70 or above 90", 'how far does "or" reach?'),
    ("not only energy", "not only", "Say it without"),
    ("not just tech", "not just", "Say it without"),
    ("not currently oversold", "not currently", "Say it without"),
    ("without only tech", "without only", "Say it without"),
    ("not either energy or tech", "not either", "Say it without"),
    ("not both rsi < 30 and pe < 10", "not both", "Say it without"),
    ("tech with either rsi < 30 or pe < 10", "rsi < 30 or pe < 10", 'how far does "or" reach?'),
    ("tech with rsi < 30 or pe < 10", "rsi < 30 or pe < 10", 'how far does "or" reach?'),
    ("tech that are oversold or pe < 10", "oversold or pe < 10", 'how far does "or" reach?'),
    ("tech with rsi below 30 or under $20", "rsi below 30 or under $20", 'how far does "or" reach?'),
    ("large caps, mid caps or small caps", "mid caps or small caps", "reach back over the comma"),
    ("excluding energy; tech", "excluding energy; tech", 'how far does "excluding" reach?'),
    ("neither oversold nor rsi above 70 or below 30", "neither oversold nor rsi above 70 or below 30", 'how far does "or" reach?'),
    ("tech up 5% today or down 5% today", "up 5% today or down 5% today", 'how far does "or" reach?'),
    ("price crosses above $20 or below $10", "price crosses above $20 or below $10", 'how far does "or" reach?'),
    ("large caps, mid caps", "mid caps", "nothing is both"),
    ("oversold and overbought", "overbought", "nothing is both"),
    ("macd above 0 and above sma 50", "above sma 50", "the price or MACD?"),
    ("market cap over 1b and above $5", "above $5", "the price or market cap?"),
    ("price yesterday above 20 and below 30", "below 30", "price now, or price 1 session ago?"),
    ("volume over 1m, over 5", "over 5", "of which field is it?"),
    ("rsi under 30, under 20", "under 20", "of which field is it?"),
    ("price above 5 or below 100", "below 100", "of which field is it?"),
    ("negative pe", "negative pe", "P/E is always 0 or more"),
    ("negative price", "negative price", "price is always 0 or more"),
    ("rsi under 0", "under 0", "RSI is always between 0 and 100"),
    ("positive rsi", "positive rsi", "RSI is always between 0 and 100"),
    ("volume at least 0", "at least 0", "volume is always 0 or more"),
    ("rsi between 0 and 100", "between 0 and 100", "RSI is always between 0 and 100"),
    ("rsi crossed above 100", "crossed above 100", "RSI is always between 0 and 100"),
    ("volume above 500.000", "volume above 500.000", "500,000 or 500?"),
    ("volume above 1.500", "volume above 1.500", "1,500 or 1.50?"),
    ("sma 20 crossing above 50", "50", "$50 or the 50-day SMA?"),
    ("ema 12 crossed above 26", "26", "$26 or the 26-day EMA?"),
    ('sector is "tech"', '"tech"', "there are eleven sectors: Communication Services, "),
    ("not energy, tech, pe < 10", "not energy, tech", 'how far does "not" reach?'),
    ("sector is not energy, tech", "sector is not energy, tech", "not any of them"),
    ("not large caps, small caps", "not large caps, small caps", 'how far does "not" reach?'),
    ("market cap above 10", "market cap above 10", "$10, $10M or $10B?"),
    ("market cap under 500", "market cap under 500", "$500, $500M or $500B?"),
    ("dollar volume above 5", "dollar volume above 5", "$5, $5M or $5B?"),
    ("aapl, msft and nvda", "aapl, msft and nvda", "symbol is AAPL or MSFT or NVDA"),
    ("new 20 day high", "new 20 day high", "over 52 weeks only"),
    ("broke above its 50 day high", "50 day high", "over 52 weeks only"),
    ("ema9 over ema21", "ema9", "only 12-day EMA, 26-day EMA, 50-day EMA"),
    ("rsi2 below 10", "rsi2", "there is only RSI"),
    ("beating the market", "beating the market", "no fields"),
    ("outperforming SPY", "outperforming SPY", "no fields"),
    ("pe lower than their industry", "industry", "averages of a sector or an industry are not held"),
    ("pe less than the sector median", "sector median", "averages of a sector or an industry are not held"),
    ("top 5 in each sector by momentum", "in each sector", "not taken apart by sector"),
    ("best performing sector", "best performing sector", "shares, not sectors"),
    ("closed at the high of the day", "closed at the high of the day", "no fields"),
    ("closed in the green", "closed in the green", "no field?"),
    ("earnings yield above 7%", "earnings yield", "say the P/E"),
    ("pays no dividend", "pays no dividend", "cannot be told from one"),
    ("dividend per share over 2", "dividend per share", "amounts per share are no fields"),
    ("dividend over 2 a share", "dividend over 2", "in percent"),
    ("ex dividend stocks", "ex dividend stocks", "dates of dividends are not held"),
    ("biggest gap", "biggest", "as a limit, or for the order"),
    ("10 largest volume spikes", "largest", "as a limit, or for the order"),
    ("gainers today", "gainers", "how many"),
    ("highest p/b banks", "highest", "as a limit, or for the order"),
    ("price back above the 50 day", "back above", "since when?"),
    ("price broke the 50 day", "broke", "to which side?"),
    ("jumped today", "jumped", "by how much"),
    ("earnings down 10%", "earnings down", "write it as growth"),
    ("revenue growing 20% over the last 3 years", "revenue growing", "write it as growth"),
    ("volume rising for 3 weeks", "rising", "be said of a number of days"),
    ("yield over 3% drop today", "drop", "by how much"),
    ("vol > 40", "vol", "the volume or the volatility?"),
    ("half volume", "half volume", "of which field?"),
    ("2 standard deviations above the 50 day", "standard deviations", "from the 20-day average"),
    ("atr% above 3", "atr%", "a share of the price"),
    ("apple", "apple", "by its symbol"),
    ("macd histogram rising", "rising", "comparison with an earlier session"),
    ("price higher than a month ago", "month ago", "count in sessions"),
    ("sales growth past 5 years over 10%", "past", "of the last quarter"),
    ("eps growth qoq over 10%", "qoq", "a year before"),
    ("stocks that will go up", "will", "what is to come"),
    ("6 month momentum above 10%", "6 month momentum", "of 12 months"),
    ("pe below the market", "below the market", "averages of the market"),
    ("tsla", "tsla", "symbol is TSLA"),
    ("zero debt", "zero debt", "only debt to equity"),
    ("up 20% yesterday on 5x normal volume", "on", "of that session, or of the last one?"),
    ("gapped up yesterday with relative volume over 2", "with", "of that session, or of the last one?"),
    ("price between its 50 and 200 day", "between", "which of them is above?"),
    ("rsi was below 30 3 days ago but over it now", "it", "name the field"),
    ("fell 3 out of the last 5 days", "out of the last", "so many of several"),
    ("worth more than $100", "worth", "the price, or the market cap?"),
    ("stocks that didnt gap", "didnt", "in which sessions?"),
    ("hitting the upper bollinger band", "hitting", "how near?"),
    ("strongest stocks", "strongest", "is no measure"),
    ("weekly rsi below 30", "weekly", "those of sessions"),
    ("winning streak", "winning streak", "of how many days?"),
    ("200 day average falling", "falling", "comparison with an earlier session"),
    ("closed down 4 of the last 5 sessions", "of the last", "so many of several sessions"),
    ("price more than 3 atr above the 50 day", "3 atr", "in percent of the price"),
    ("stocks below 20 with volume", "volume", "above or below what?"),
    ("30 < rsi > 40", "30", "above or below?"),
    ("up five weeks in a row", "up five weeks in a row", "only days in a row"),
    ("breaking above 52 week high", "breaking above 52 week high", "never above a 52-week high"),
    ("price below its 52 week low", "below its 52 week low", "never below a 52-week low"),
    ("opened", "opened", "how much higher or lower?"),
    ("top 20 by return over the last 2 months", "return", "fixed numbers of sessions"),
]

MISSPELT = [
    ("divdend yield above 3%", "divdend", "dividend yield"),
    ("markt cap above 10b", "markt cap", "market cap"),
    ("tehc stocks", "tehc", "Information Technology"),
    ("oversld", "oversld", "oversold"),
    ("utilites", "utilites", "Utilities"),
    ("price abov 20", "abov", "above"),
    ("relativ volume above 2", "relativ", "relative volume"),
    ("52 week hgh > 5", "hgh", "52-week high"),
    ("golden corss", "golden corss", "golden cross"),
    ("sector is enrgy", "enrgy", "Energy"),
]
# fmt: on


@pytest.mark.parametrize(("sentence", "text", "message"), REFUSED)
def test_what_is_not_understood_is_marked_and_explained(sentence, text, message):
    with pytest.raises(NotUnderstoodError) as refused:
        parse(sentence)
    problem = next(problem for problem in refused.value.problems if problem.text == text)
    assert message in problem.message
    assert sentence[problem.start : problem.end] == text
    assert message in str(refused.value)


@pytest.mark.parametrize(("sentence", "text", "suggestion"), MISSPELT)
def test_a_misspelt_word_blocks_and_is_met_with_the_right_one(sentence, text, suggestion):
    understood = understand(sentence)
    assert understood.query is None
    assert understood.canonical is None
    assert [(problem.text, suggestion in problem.suggestions) for problem in understood.problems] == [
        (text, True)
    ]


def test_at_least_as_many_refused_sentences_as_promised():
    assert len(REFUSED) >= 30


def test_every_suggestion_of_a_whole_sentence_is_understood():
    whole = {
        suggestion
        for sentence, *_ in REFUSED
        for problem in understand(sentence).problems
        for suggestion in problem.suggestions
        if (
            " > " in suggestion
            or suggestion.startswith(("top ", "sorted by ", "not (", "(", "neither ", "up "))
        )
        and not suggestion.startswith("and ")
    }
    assert len(whole) > 15
    assert [suggestion for suggestion in whole if understand(suggestion).query is None] == []


def test_several_problems_are_all_marked_in_the_original_text():
    sentence = "  Tehc  stocks, RSI above 300"
    assert [problem.text for problem in understand(sentence).problems] == ["Tehc"]
    sentence = "RSI above 300 and price above 5%"
    assert [(problem.start, problem.end) for problem in understand(sentence).problems] == [(0, 13), (18, 32)]


@pytest.mark.parametrize(
    "sentence",
    ["(" * 5_000 + "oversold" + ")" * 5_000, "not " * 3_000 + "oversold", "oversold, " * (MAX_LENGTH // 5)],
    ids=["parentheses", "nots", "length"],
)
def test_endless_sentences_are_refused_without_harm(sentence):
    assert understand(sentence).query is None
    assert len(understand(sentence).problems) == 1


def test_a_query_with_more_conditions_than_allowed_is_refused():
    assert "at most 200" in understand(" and ".join(["price > 5"] * 250)).problems[0].message

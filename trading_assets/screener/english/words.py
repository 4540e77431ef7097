"""Words: the fixed phrases of the screener's English by what they mean; one row per meaning, phrases apart by a bar."""

from __future__ import annotations

from itertools import product


def _combined(*parts: str) -> str:
    # every phrase that takes one word of each part in turn; a part that begins with a bar may be left out
    rows = product(*([word.strip() for word in part.split("|")] for part in parts))
    return " | ".join(" ".join(word for word in row if word) for row in rows)


_CAPS = ("micro", "small", "mid", "large", "mega")


def _both_caps(first: str, second: str) -> str:
    # "small and mid caps", "mid or small cap"
    orders = ((first, second), (second, first))
    return " | ".join(_combined(one, "and | or | & | /", other, "cap | caps") for one, other in orders)


def _range_of_caps(first: int, last: int) -> tuple[tuple[str, ...], str]:
    # "small to large caps" has the mid caps in between
    named = tuple(f"{size} cap" for size in _CAPS[first : last + 1])
    return named, _combined(_CAPS[first], "to | through", _CAPS[last], "cap | caps")


_PAIRS = tuple((at, later) for at in range(len(_CAPS)) for later in range(at + 1, len(_CAPS)))


_STANDING = (
    "closed | closes | closing | trading | trades | traded | sits | sitting | holds | holding | priced"
)
"""What a price does above something without having crossed it."""
_STATEMENTS = {
    "revenue_growth": "revenue | revenues | sales | top line",
    "eps_growth": "earnings | eps | earnings per share",
}
"""What grows, and the field that says by how much in a year."""
_GROWING = "growing | rising | increasing"
_SHRINKING = "shrinking | falling | declining | decreasing"
_GREW = f"{_GROWING} | grew | grows | grow | has grown | have grown | up | rose | increased"
_SHRANK = f"{_SHRINKING} | shrank | shrinks | fell | declined | decreased | down"
_BEING = "| is | are"
_BEFORE = {">": _GROWING, "<": _SHRINKING}
_AFTER = {">": _GREW, "<": _SHRANK}

# fmt: off
SIZED: dict[str, str] = {
    ">": "returned | surged | soared | spiked | jumped | popped | rocketed | exploded | bounced | rebounded | recovered | rising | climbing | surging | soaring | spiking | jumping",
    "<": "crashed | tanked | plunged | slid | sank | slumped | tumbled | plummeted | sold off | cratered | pulled back | beaten down | retraced | falling | dropping | crashing | plunging | tanking | sliding",
}
"""Words for a move that say how large it was only with a size: "surged more than 10% today"."""
SIZED_NOUNS: dict[str, str] = {
    ">": "gain | return | rise | rally | jump | surge | pop | bounce | advance | spike",
    "<": "drop | fall | decline | loss | selloff | sell off | plunge | slide | pullback | drawdown | dip",
}
"""The same as nouns: "a drop of more than 10% today", "a 5% gain in the last week"."""
RETURN = "return | returns | performance | price change | change | gain | gains"
"""A return whose sessions are named after it: "top 20 by performance over the last month"."""
RISING: dict[str, str] = {
    ">": "rising | increasing | growing | climbing | trending up | trending higher | going up",
    "<": "falling | declining | decreasing | shrinking | dropping | trending down | trending lower | going down",
}
"""Words for a field that goes one way, which say something of a number of sessions: "volume rising for 3 days"."""

PHRASES: tuple[tuple[str, object, str], ...] = (
    ("CMP", ">", "> | above | over | greater than | greater then | more than | more then | higher than | better than | bigger than | larger than | exceeds | exceeding | exceed | in excess of | trading above | trading over | closed above | closes above | closing above | faster than | beats | beat | beating | higher than it was | above where it was | more than it was | north of | not at most | "
     + _combined(_STANDING, "above | over | higher than")),
    ("CMP", ">=", ">= | at least | no less than | not less than | no lower than | not lower than | not below | not under | at or above | greater than or equal to | more than or equal to | upwards of | min | minimum | min of | minimum of"),
    ("CMP", "<", "< | below | under | less than | less then | lower than | smaller than | fewer than | beneath | trading below | trading under | closed below | closes below | closing below | slower than | lower than it was | below where it was | less than it was | south of | sub | not at least | "
     + _combined(_STANDING, "below | under | lower than")),
    ("CMP", "<=", "<= | at most | no more than | not more than | no greater than | no higher than | not higher than | not above | not over | not exceeding | does not exceed | doesn't exceed | do not exceed | up to | at or below | less than or equal to | max | maximum | max of | maximum of"),
    ("EQ", "=", "= | equals | equal to | exactly"),
    ("NEQ", "!=", "!= | not equal to | isn't | aren't | isnt | arent"),
    ("BETWEEN", None, "between | in range | range | btw | btwn | b/w | inbetween | anywhere between | somewhere between | ranging between | ranges between | lies between"),
    ("FROM", None, "from | ranging from"),
    ("TO", None, "to | through"),
    ("AND", None, "and | & | && | as well as | while | whilst | plus | along with | together with | combined with"),
    ("BUT", None, "but | though | although | yet"),
    ("OR", None, "or | \\|\\| | \\|"),
    ("NOR", None, "nor"),
    ("NEITHER", None, "neither"),
    ("NOT", "not", "not | not in | aren't in | isn't in | has not | have not | hasn't | haven't | has not been | have not been | hasn't been | haven't been | hasnt | havent | hasnt been | havent been"),
    ("NOT", "except", "excluding | exclude | except | except for | without | other than | apart from | everything but | all but | anything but | outside | outside of | no | non | ex | besides | aside from | not including | do not include | don't include | dont include | don't show | don't show me | dont show | dont show me | do not show | do not show me | leave out | leaving out | skip | skipping | ignore | ignoring | avoid | avoiding | w/o | w/out"),
    ("COMMA", None, ","),
    ("LPAR", None, "( | ["),
    ("RPAR", None, ") | ]"),
    ("WITHIN", None, "within | closing within | closed within | closes within | trading within"),
    ("OF", None, "of"),
    ("MULT", "2", "twice | double"),
    ("MULT", "3", "triple"),
    ("MULT", "0.5", "half"),
    ("PERCENT", "50", "half value | half of value"),
    ("CROSS", "above", "crossed above | crossing above | crosses above | cross above | crossed over | crossing over | crosses over | cross over | broke above | breaks above | breaking above | crossed up through | broke up through | broke through upward | reclaimed | reclaims | reclaiming | " + _combined("moved | moves | moving | risen | rose | rises | rising | climbed | climbs | climbing | pushed | pushes | pushing | popped | pops | went | jumped", "| back", "above")
        + " | " + _combined("crossed | crosses | crossing | cross | broke | breaks | breaking | closed | closes | closing | came | got | moved | climbed | popped | trading", "back", "above | over")),
    ("CROSS", "below", "crossed below | crossing below | crosses below | cross below | crossed under | crossing under | crosses under | cross under | broke below | breaks below | breaking below | broke down through | crossed down through | " + _combined("moved | moves | moving | fallen | has fallen | have fallen | fell | falls | falling | dropped | drops | dropping | dipped | dips | dipping | slipped | slips | slipping | sank | sinks | sinking | went", "| back", "below | under")
        + " | " + _combined("crossed | crosses | crossing | cross | broke | breaks | breaking | closed | closes | closing | came | trading", "back", "below | under")),
    ("CROSSED", None, "crossing | crossed | crosses | cross | crossover | broke | breaks | broke through | breaks through | breaking through | crossed through | crosses through"),
    ("SIDE", "above", "from below | to upside | from underneath | upward | upwards"),
    ("SIDE", "below", "from above | to downside | downward | downwards"),
    ("TURNED", "above", "turned positive | flipped positive | went positive | turning positive | turns positive | flips positive"),
    ("TURNED", "below", "turned negative | flipped negative | went negative | turning negative | turns negative | flips negative"),
    ("FOR", None, "for"),
    ("EACH", None, "each | every | each of | every one of | every single | in each of | on each of | over each of | in each | on each | on every | in every"),
    ("INROW", None, "in row | straight | consecutive | running | consecutively | in succession | back to back"),
    ("WAS", None, "was | were | had been"),
    ("BEEN", None, "has been | have been | been | has stayed | have stayed | stayed | has remained | remained"),
    ("NOW", None, "now"),
    ("LAST", None, "last | past | previous | prior | of last | of past | in last | in past | within last | within past | over last | over past | over previous | over prior | during last | during past | this past | in this past | over this past"),
    ("SPAN", 1, "session | sessions | day | days | trading day | trading days | bar | bars | d"),
    ("SPAN", 5, "week | weeks | wk"),
    ("SPAN", 21, "month | months"),
    ("SPAN", 63, "quarter | quarters"),
    ("SPAN", 252, "year | years | yr"),
    ("BACK", None, "ago | earlier"),
    ("TODAY", None, "today | this session | for today | on day"),
    ("YESTERDAY", None, "yesterday | previous day | prior day | day before | previous session | prior session"),
    ("YESTERDAYS", None, "yesterday's | previous day's | prior day's"),
    ("YOY", None, "yoy | y/y | year over year | year on year | per year | per annum | annually | from year ago | vs year ago | versus year ago"),
    ("MOVE", ">", "up | gained | rose | rallied | climbed | risen | has risen | have risen | increased | has increased | have increased | advanced | moving up | closed up | closed higher | green | moved up | went up | gaining | trading up | trading higher | ended up | ended higher | finished up | finished higher"),
    ("MOVE", "<", "down | lost | fell | dropped | declined | fallen | has fallen | have fallen | decreased | moving down | closed down | closed lower | red | moved down | went down | losing | trading down | trading lower | ended down | ended lower | finished down | finished lower | shed"),
    ("GREW", "2", "doubled"),
    ("GREW", "3", "tripled"),
    ("GREW", "4", "quadrupled"),
    ("GREW", "0.5", "halved"),
    *(("MACROS", (f"{_CAPS[at]} cap", f"{_CAPS[later]} cap"), _both_caps(_CAPS[at], _CAPS[later])) for at, later in _PAIRS),
    *(("MACROS", *_range_of_caps(at, later)) for at, later in _PAIRS),
    *((
        "GROWTH", (field, way), f"{_combined(_BEFORE[way], what)} | {_combined(what, _BEING, _AFTER[way])}",
    ) for field, what in _STATEMENTS.items() for way in _BEFORE),
    ("DEVIATIONS", None, "standard deviations | standard deviation | std devs | std dev | stdevs | stdev | std | sigma | sigmas | sd | sds"),
    ("OFF", None, "off"),
    ("USUAL", None, "normal | usual | normal levels | usual levels"),
    ("RANK", None, "rank | sort | order"),
    ("DAILY", None, "shares day | shares per day | shares daily | shares each day"),
    ("GAPPED", ">", "gapped up | gap up | gapping up | gaps up | gap ups | gappers | gapper | opened higher | opened up | opening higher"),
    ("GAPPED", "<", "gapped down | gap down | gapping down | gaps down | gap downs | opened lower | opened down | opening lower"),
    ("SIGN", ">", "positive"),
    ("SIGN", "<", "negative"),
    ("SUFFIX", ">=", "or more | or higher | or greater | or better | or above | or over"),
    ("SUFFIX", "<=", "or less | or lower | or fewer | or below | or under"),
    ("SORT", None, "sorted by | sort by | sorted on | sorting by | order by | ordered by | ranked by | rank by"),
    ("DIR", True, "descending | desc | highest first | largest first | biggest first | high to low | from high to low | from highest to lowest | highest to lowest | from largest to smallest | largest to smallest | most first"),
    ("DIR", False, "ascending | asc | lowest first | smallest first | low to high | from low to high | from lowest to highest | lowest to highest | from smallest to largest | smallest to largest"),
    ("TOP", True, "top"),
    ("TOP", False, "bottom"),
    ("BY", None, "by | in terms of | based on | on basis of | according to"),
    ("EXTREME", True, "highest | largest | biggest"),
    ("EXTREME", False, "lowest | smallest"),
    ("SUPER", True, "most expensive"),
    ("SUPER", False, "cheapest"),
    ("RANKED", ("volatility_20", True), "most volatile"),
    ("RANKED", ("volatility_20", False), "least volatile | calmest"),
    ("RANKED", ("volume", True), "most active | most traded | most heavily traded"),
    ("RANKED", ("dividend_yield", True), "highest yielding | yielders | highest yielders | dividend yielders"),
    ("RANKED", ("rsi_14", True), "most overbought"),
    ("RANKED", ("rsi_14", False), "most oversold"),
    ("RANKED", ("dollar_volume_20", True), "most liquid"),
    ("RANKED", ("gap", True), _combined("biggest | largest | top", "gap up | gap ups | gappers | gaps up")),
    ("RANKED", ("gap", False), _combined("biggest | largest", "gap down | gap downs | gaps down")),
    ("PERF", True, "best performing | best performers | top performing | top performers | gainers | biggest gainers | top gainers | winners | biggest winners | top gaining | biggest gaining | best gaining"),
    ("PERF", False, "worst performing | worst performers | losers | biggest losers | top losers | decliners | biggest decliners | top losing | biggest losing | worst losing"),
    ("PRIORCLOSE", None, "prior close | previous close | last close | previous closing price | prior day close | previous day close"),
    ("TODAYS", None, "today's | todays"),
    ("STREAK", ">", "winning streak | win streak | up streak"),
    ("STREAK", "<", "losing streak | down streak"),
    ("THAN", None, "than"),
    ("TIMES", None, "*"),
    ("WORTH", None, "worth | valued at | valued"),
    ("PERSHARE", None, "per share"),
    ("OPENED", None, "opened"),
    ("PERFORMERS", None, "performers"),
    ("FIRST", None, "first"),
    ("LIMIT", None, "limit | limit to | keep | keep first"),
    ("ALL", None, "everything | all | all stocks"),
    ("PERIODLESS", "sma", "sma | ma | dma | moving average | simple moving average | mean"),
    ("PERIODLESS", "ema", "ema | exponential moving average | exponential average | exp moving average | ex moving average"),
    ("FILLER", None, ": | stock | stocks | share | shares | company | companies | equities | securities | ones | show | show me | find | find me | give me | list | display | get | get me | search for | look for | looking for | screen for | scan for | i want | i'd like | im looking for | i'm looking for | i am looking for | can you find | can you find me | can you show me | want | anything | anything that's | any | some | it is | it has | it's | right now | at moment | at present | gimme | i need | need | let me see | lemme see | pull up | filter | filter for | hunting for | are there | is there | out there | how to find | how do i find | how can i find | how to scan for | whats | what's | what | thats | that's | still | names | among | amongst | at | trade | trades | please | that | which | who | whose | where | with | have | has | having | is | are | be | being | in | on | listed on | listed | traded on | trading | currently | only | just | also | either | both | they | they're | theyre | they are | they have | these | those | candidates | picks | ideas | setups | tell me | help me find | give me list of | list of | show list of | i'm after | as well | how many | something | every stock | every company | every share | each stock | each company | how about | what about | makers | firms | businesses | level | on daily | on daily chart | daily chart | w/"),
)
# fmt: on
"""(terminal of the grammar, what it means, phrases).

FILLER words carry no meaning of their own. The lexer does not pass all of them over: in capitals among symbols they may be
symbols, some change a "not" before them ("not only"), and some introduce a condition, which bounds how far "or" reaches.
"""

# fmt: off
TEXT_VALUES: tuple[tuple[str, str, str], ...] = (
    ("exchange", "XNAS", "Nasdaq | xnas"),
    ("exchange", "XNYS", "NYSE | xnys | new york stock exchange"),
    ("exchange", "ARCX", "NYSE Arca | arcx | arca"),
    ("exchange", "XASE", "NYSE American | xase | amex"),
    ("exchange", "BATS", "Cboe BZX | bats | cboe"),
    ("exchange", "IEXG", "IEX | iexg"),
    ("asset_type", "CS", "common stock | common stocks | common shares | cs"),
    ("asset_type", "ETF", "ETF | etfs | exchange traded fund | exchange traded funds"),
    ("asset_type", "ETN", "ETN | etns | exchange traded note | exchange traded notes"),
    ("asset_type", "ADRC", "ADR | adrs | adrc | american depositary receipt | american depositary receipts"),
    ("asset_type", "OS", "ordinary shares | os"),
    ("asset_type", "PFD", "preferred stock | preferred stocks | preferred shares | pfd"),
    ("asset_type", "NYRS", "New York registry shares | nyrs"),
)
# fmt: on
"""(text field, value in the data, how people write it: the first is how it is written back)."""

COMPANIES = (
    ("apple", "AAPL"), ("microsoft", "MSFT"), ("nvidia", "NVDA"), ("tesla", "TSLA"), ("amazon", "AMZN"), ("google | alphabet", "GOOGL"),
    ("facebook", "META"), ("netflix", "NFLX"), ("intel", "INTC"), ("berkshire | berkshire hathaway", "BRK.B"), ("disney", "DIS"),
    ("boeing", "BA"), ("jpmorgan | jp morgan", "JPM"), ("palantir", "PLTR"), ("coca cola", "KO"), ("walmart", "WMT"), ("exxon", "XOM"),
)  # fmt: skip
"""Companies that people ask for by their names, and the symbols."""
WELL_KNOWN = frozenset(
    {symbol for _, symbol in COMPANIES}
    | {"SPY", "QQQ", "IWM", "DIA", "VTI", "AMD", "GOOG", "GME", "AMC", "COIN"}
)
"""Symbols that are known in small letters."""

# fmt: off
REFUSED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    *((words, "by how much, and over which sessions?", ("up more than 10% in the last month", "down more than 10% in the last month"))
      for table in (SIZED, SIZED_NOUNS) for words in table.values()),
    ("free cash flow | fcf | cash flow | operating cash flow", "no cash flows are held", ("profit margin > 0%",)),
    ("gross margin | operating margin | gross margins | operating margins", "only the net profit margin is held", ("profit margin > 10%",)),
    ("payout | payouts | ebitda | ev/ebitda | enterprise value | book value | roic | return on assets | roa | current ratio | quick ratio | payout ratio | forward pe | forward p/e | forward earnings | earnings surprise | insider buying | interest coverage | ev/sales | tangible book | altman z | piotroski", "no such field is held; fundamentals are P/E, P/B, P/S, PEG, ROE, debt to equity, dividend yield, market cap, revenue growth, EPS growth, profit margin", ()),
    ("earnings yield", "it is one divided by the P/E: say the P/E", ("P/E < 20",)),
    ("eps | earnings | earnings per share | revenue | sales | net income | profit | profits", "amounts of the statements are no fields, their growth and ratios are", ("revenue growth > 10%", "EPS growth > 10%", "P/E < 15")),
    ("margin expansion | expanding | improving | growing | rising | increasing | accelerating | falling | decreasing | declining | shrinking | recovering", "a direction over time has to be a comparison with an earlier session", ("profit margin > profit margin 63 sessions ago", "volume > volume 5 sessions ago")),
    ("averages | moving averages | both averages | both moving averages | all moving averages", "which of them?", ("20-day SMA", "50-day SMA", "200-day SMA")),
    ("margins", "which margin? The net profit margin is held", ("profit margin > 10%",)),
    ("best | good | great | nice | decent | strong | hot | promising | safe | solid | quality | weak | bad | worst | strongest | weakest", "is no measure: say what is to be high or low", ("top 20 by momentum", "top 20 by revenue growth", "oversold")),
    ("buy | sell | to buy | to sell | buys | sells | invest in | to invest in", "the screener gives no advice: say what you look for", ("top 20 by momentum",)),
    ("average | avg", "of what?", ("20-day average volume", "50-day SMA")),
    ("leaders | momentum leaders", "how many, and by what?", ("top 50 by momentum", "up more than 5% today")),
    ("high | higher | low | lower | big | bigger | small | smaller | more | less | fewer | large", "needs a number to compare with, or a number of weeks", ("dividend yield > 3%", "top 20 by dividend yield", "within 5% of 52-week high")),
    ("cheaper than | similar to | like | compared to | compared with | versus | vs", "a comparison with another company cannot be asked for: give a number", ("P/E < 15",)),
    ("undervalued | overvalued | expensive | overpriced | value | growth", "has no fixed meaning: say which ratio is to be high or low", ("P/E < 15", "P/B < 1", "revenue growth > 20%")),
    ("consumer", "which of the two consumer sectors?", ("consumer discretionary", "consumer staples")),
    ("recently | lately | recent", "within how many sessions?", ("in the last 5 sessions",)),
    ("this week | this month | this quarter | this year | on week | on month | on year", "a calendar period is as long as its days so far: say how many sessions", ("in the last 5 sessions", "in the last month")),
    ("ytd | this year to date | this month to date | year to date | month to date | week to date | mtd | qtd", "returns run over fixed numbers of sessions: 1, 5, 21, 63, 126, 252", ("21-day return > 5%", "252-day return > 5%")),
    ("about | around | roughly | approximately | approx | nearly | almost | circa | near | close to | ~ | touch | touches | touched | touching | tests | testing | tested | hitting | hits | hit | reached | reaching | holding | hugging", "how near? Give a range", ("within 5% of 52-week high", "price between $95 and $105")),
    ("day's range | today's range | daily range | range of day | open | today's high | today's low | day's high | day's low | intraday | hod | lod | high of day | low of day | high of session | low of session | opening price | day high | day low | session high | session low | "
     + _combined("closed | closes | closing | close | finished | ended", "at | near | off", "high | highs | low | lows | day's high | day's low | high of day | low of day | day high | day low"), "the open, high and low of a session are no fields", ("price > $10", "opening gap > 2%")),
    ("ipo | ipos | newly listed | s&p500 | s&p 500 | s & p 500 | s and p 500 | s&p | spx | sp500 | dow | djia | dow jones | dow 30 | russell 2000 | russell 1000 | russell 3000 | russell | nasdaq 100 | ndx | qqq members | index members | s&p 400 | s&p 600 | ftse | ftse 100 | dax | nikkei", "neither listing dates nor members of indices are held", ("exchange is Nasdaq", "large caps")),
    ("short interest | short float | float short | heavily shorted | shorted | most shorted | days to cover | short ratio | float", "how much of a share is sold short, or floats, is not held", ()),
    ("iv | implied volatility | options | option volume | open interest | put call ratio", "nothing of options is held; the volatility of the price itself is", ("volatility > 50%",)),
    ("will | going to | about to | ready to | expected to | set to | next week | tomorrow | next month | next earnings | upcoming earnings | reports earnings | report earnings | reporting earnings | earnings date | earnings today | earnings tomorrow", "what is to come is not held: no dates of earnings or dividends", ()),
    ("rating | ratings | analyst rating | analyst ratings | inst own | institutional own | insider own | insider ownership | target price | insider | insiders | insider buys | institutional | institutional ownership | hedge funds | analyst | analysts | upgrades | downgrades | price target | news | sentiment | catalyst | catalysts", "no such data are held: prices, volumes and the ratios of the reports are", ()),
    ("paid dividends | raised dividends | dividend growth | dividend aristocrats | dividend kings | dividend streak", "the history of dividends is no field; the yield is", ("dividend yield > 3%",)),
    (_combined("| than | than its | vs | versus | relative to | compared to", "sector average | sector averages | industry average | industry averages | sector median | industry median | sector avg | industry avg | peers | industry peers | sector peers | rest of industry | rest of sector | competitors"), "averages of a sector or an industry are not held: give a number", ("P/E < 15",)),
    (_combined("outperforming | outperformed | outperform | underperforming | underperformed | underperform | beating | beaten | beat | beats | lagging | lagged | vs | versus | relative to | stronger than | weaker than", "market | broader market | overall market | index | spy | s&p | s&p 500 | sp500 | spx | qqq | nasdaq | sector | industry | benchmark")
     + " | outperforming | outperformed | outperform | outperformers | underperforming | underperformed | underperform | underperformers | relative return | alpha", "returns beside the market's or a sector's are no fields: give a number", ("63-day return > 10%", "12-1 momentum > 20%")),
    (_combined("in each | in every | within each | per | for each | from each", "sector | industry"), "results are not taken apart by sector or industry: ask for one at a time", ("top 5 by momentum",)),
    (_combined("best performing | worst performing | strongest | weakest | hottest | leading | best | worst | which | what", "sector | sectors | industry | industries"), "results are shares, not sectors or industries", ("10 best performers of the last month",)),
    ("spread | bid | ask | bid ask spread | order book | level 2 | premarket | pre market | after hours | after-hours | this morning", "only what was traded in whole sessions is held", ("20-day dollar volume > $5M",)),
    ("all time high | all time highs | ath | aths | all time low | all time lows | multi year high | 5 year high", "highs and lows go back 252 sessions", ("new 52-week high", "within 5% of 52-week high")),
    (_combined("| new", "monthly | weekly | quarterly | daily | multi month | multi week | swing | 52 day", "high | highs | low | lows"), "highs and lows are held over 52 weeks only", ("new 52-week high", "within 5% of 52-week high")),
    (_combined("from | off | below | above | under", "high | low") + " | highs | lows | its highs | peak | peaks | recent high | recent highs | recent low | recent lows", "of how long? The 52-week high and low are held", ("52-week high", "52-week low")),
    ("inside day | outside day | doji | hammer | engulfing | candle | candles | cup and handle | head and shoulders | bull flag | flag | wedge | triangle | double bottom | squeeze | bollinger squeeze | bollinger band squeeze | bollinger bands squeeze | divergence | rsi divergence | consolidation | tight consolidation | pulling back | breakdown | breaking down | pulled back | pullback | pullbacks | bounce | bouncing | bounced | breaking out | break out | broke out | dry up | dries up | drying up | recovered | recovering from | reversed | reversal | rebounded | beaten | beaten down | crashed | tanked | spiked | surged | soared | mooning | gave it all back | gave it back | gave back | faded | fading | dip | dips", "patterns have no fixed meaning here: say it in numbers", ("price > 50-day SMA and RSI < 40", "within 5% of 52-week high")),
    ("slope | positive slope | negative slope | sloping up | sloping down | increase in volume | gradual increase | uptick | higher highs | higher lows | lower lows | turning up | turning down | crossing up | crossing down | curling up | curling down | turned up | turned down", "a direction over time has to be a comparison with an earlier session", ("RSI > RSI 1 session ago",)),
    ("vwap | obv | on balance volume | ichimoku | cci | mfi | money flow | parabolic sar | psar | supertrend | keltner | donchian | fibonacci | fib | support | resistance | pivot", "no such indicator is held", ()),
    ("vol", "the volume or the volatility?", ("volume", "volatility")),
    ("huge | heavy | massive | big volume | strong volume | heavy volume | huge volume | tight | too | very | extremely | pretty | fairly | quite", "how much? Say it in numbers", ("relative volume > 2",)),
    ("maybe | perhaps | possibly | preferably | ideally | hopefully", "is it to hold or not? Leave it out, or say it with or", ()),
    ("several | few | a few | lots | many", "how many? Say a number, or leave it out", ()),
    ("back above | back over | back below | back under", "since when? Say within how many sessions it crossed", ("RSI crossed above 30 in the last 5 sessions",)),
    ("closed in green | closed in red | closes in green | closes in red | finished green | finished red | closed green | closed red | green close | red close", "above the close of the session before, or above the open, which is no field?", ("up today", "down today")),
    ("or worse", "or more, or less?", ("or more", "or less")),
    ("zero debt | net cash | leverage | low leverage | no debt | debt free | low debt | little debt | debt", "only debt to equity is held: say how low", ("debt to equity < 0.1",)),
    ("no dividend | no dividends | non dividend | not paying dividend | not paying dividends | zero dividend | zero dividends | " + _combined("pay | pays | paying", "no", "dividend | dividends") + " | " + _combined("doesn't | don't | dont | doesnt | do not | does not", "pay | pay any", "dividend | dividends") + " | " + _combined("without", "dividend | dividends"), "a company that pays none has no yield on record, and cannot be told from one of which it is not known", ()),
    ("double digit | double digits | single digit | triple digit | high single digit", "say it as a number", ("revenue growth >= 10%", "P/E < 10")),
    ("compounders | blue chip | blue chips | quality compounders | moat | turnaround | value traps | meme | memes | growth stocks | value stocks", "has no fixed meaning: say what is to be high or low", ("large cap", "ROE > 15%")),
    ("chinese | china | european | japanese | american | foreign | us based | country", "the country of a company is no field; whether a share is an ADR is", ("asset type is ADR",)),
    ("never | always | ever", "over how many sessions?", ("in each of the last 20 sessions",)),
    ("didn't | did not | didnt | doesn't | doesnt | does not", "in which sessions? Say what did hold", ("price >= 50-day SMA in each of the last 20 sessions",)),
    ("since | since january | since march | since june", "count in sessions", ("126-day return < -50%", "in the last 6 months")),
    ("for first time", "whether something happened before is not looked for", ("new 52-week high",)),
    ("at least 3 of | at least 2 of | two of | any of | one of | most of", "so many of several conditions cannot be asked for: join them with and, or, and parentheses", ()),
    ("contains | containing | starts with | starting with | begins with", "texts are compared as a whole, in quotes", ('name is "Apple Inc."',)),
    ("and/or", "which of the two: and, or or?", ("and", "or")),
    ("trend | trending | breakout | breakouts | consolidating", "has no fixed meaning", ("uptrend", "downtrend", "new 52-week high")),
    ("change | price change", "over how many sessions?", ("1-day return > 5%", "up more than 5% today")),
    ("return | returns | performance", "over how many sessions? 1, 5, 21, 63, 126 and 252 are held", ("21-day return > 5%",)),
    ("relative strength", "the RSI, or momentum against the market?", ("RSI > 70", "12-1 momentum > 20%")),
    ("unusual | abnormal", "unusual what?", ("unusual volume",)),
    (_combined("10 | 30 | 50 | 60 | 90 | 100 | 200", "day | d", "average | avg | average daily | avg daily", "volume | vol") + " | " + _combined("3 month | 1 month | 6 month", "average | avg | average daily | avg daily", "volume | vol"), "only the average volume of 20 sessions is held", ("20-day average volume > 1M",)),
    ("atr % | atr percent | atrp", "say it as a share of the price", ("ATR > 3% of price",)),
    *((words, "a company is asked for by its symbol", (f"symbol is {symbol}",)) for words, symbol in COMPANIES),
    ("qoq | quarter over quarter | sequential | sequentially", "growth is held of the last quarter against the same one a year before", ("revenue growth > 20%", "EPS growth > 20%")),
    (_combined("1 month | 3 month | 6 month | 1 m | 3 m | 6 m", "momentum"), "momentum is that of 12 months without the last one; the returns over fewer are held", ("top 20 by 126-day return", "12-1 momentum > 20%")),
    (_combined("below | above | under | over | than", "market | market average"), "averages of the market are not held: give a number", ("P/E < 15",)),
    ("weekly | monthly | hourly | weekly chart | monthly chart | hourly chart | timeframe", "indicators are those of sessions, a value a day", ("RSI < 30", "5-day return > 5%")),
    ("out of | out of last", "so many of several cannot be asked for: say each of them", ("1-day return < 0% in each of the last 3 sessions",)),
    ("squeezing | narrow | mean reversion | mean reverting", "patterns have no fixed meaning here: say it in numbers", ("volatility < 20%",)),
    ("all major moving averages | major moving averages | key moving averages | all key moving averages", "which of them?", ("above the 20, 50 and 200 day moving averages",)),
    ("+di | -di | di+ | di- | plus di | minus di | dmi | aroon | williams %r | williams r | trix | roc | chaikin | heikin ashi", "no such indicator is held", ()),
    (_combined("dividend | dividends | sales | revenue | cash | book value", "per share | share"), "amounts per share are no fields, their ratios to the price are", ("dividend yield > 3%", "P/S < 2", "P/B < 1")),
    ("ex dividend | ex div | ex date | ex dividend date | ex dividend stocks | ex dividend stock", "dates of dividends are not held", ("dividend yield > 3%",)),
    ("bps of | percent of", "percent of which field?", ("price > 95% of 52-week high",)),
)
# fmt: on
"""(phrases, why they cannot be answered, what to write instead)."""

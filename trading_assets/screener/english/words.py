"""Words: the fixed phrases of the screener's English by what they mean; one row per meaning, phrases apart by a bar."""

from __future__ import annotations

# fmt: off
PHRASES: tuple[tuple[str, object, str], ...] = (
    ("CMP", ">", "> | above | over | greater than | more than | higher than | bigger than | larger than | exceeds | exceeding | trading above | trading over | closed above | not at most"),
    ("CMP", ">=", ">= | at least | no less than | not less than | no lower than | not lower than | not below | not under | at or above | greater than or equal to | more than or equal to | min | minimum"),
    ("CMP", "<", "< | below | under | less than | lower than | smaller than | fewer than | beneath | trading below | trading under | closed below | not at least"),
    ("CMP", "<=", "<= | at most | no more than | not more than | no greater than | no higher than | not higher than | not above | not over | not exceeding | up to | at or below | less than or equal to | max | maximum"),
    ("EQ", "=", "= | equals | equal to | exactly"),
    ("NEQ", "!=", "!= | not equal to | isn't | aren't"),
    ("BETWEEN", None, "between | in range | range"),
    ("FROM", None, "from | ranging from"),
    ("TO", None, "to | through"),
    ("AND", None, "and | & | && | as well as"),
    ("BUT", None, "but"),
    ("OR", None, "or | \\|\\| | \\|"),
    ("NOR", None, "nor"),
    ("NEITHER", None, "neither"),
    ("NOT", "not", "not | not in | aren't in | isn't in"),
    ("NOT", "except", "excluding | exclude | except | except for | without | other than | apart from | no | non"),
    ("COMMA", None, ","),
    ("LPAR", None, "( | ["),
    ("RPAR", None, ") | ]"),
    ("WITHIN", None, "within"),
    ("OF", None, "of"),
    ("MULT", "2", "twice | double"),
    ("MULT", "3", "triple"),
    ("MULT", "0.5", "half"),
    ("CROSS", "above", "crossed above | crossing above | crosses above | cross above | crossed over | crossing over | crosses over | cross over | broke above | breaks above | breaking above | crossed up through"),
    ("CROSS", "below", "crossed below | crossing below | crosses below | cross below | crossed under | crossing under | crosses under | cross under | broke below | breaks below | breaking below"),
    ("LAST", None, "last | past | in last | in past | within last | within past | over last | over past | during last | during past"),
    ("SPAN", 1, "session | sessions | day | days | trading day | trading days | bar | bars | d"),
    ("SPAN", 5, "week | weeks | wk"),
    ("SPAN", 21, "month | months"),
    ("SPAN", 63, "quarter | quarters"),
    ("SPAN", 252, "year | years | yr"),
    ("BACK", None, "ago | earlier"),
    ("TODAY", None, "today | this session"),
    ("YESTERDAY", None, "yesterday"),
    ("YESTERDAYS", None, "yesterday's"),
    ("MOVE", ">", "up | gained | rose | rallied | climbed"),
    ("MOVE", "<", "down | lost | fell | dropped | declined"),
    ("GAPPED", ">", "gapped up | gap up | gapping up | gaps up | gap ups"),
    ("GAPPED", "<", "gapped down | gap down | gapping down | gaps down | gap downs"),
    ("SIGN", ">", "positive"),
    ("SIGN", "<", "negative"),
    ("SUFFIX", ">=", "or more | or higher | or greater"),
    ("SUFFIX", "<=", "or less | or lower | or fewer"),
    ("SORT", None, "sorted by | sort by | sorted on | sorting by | order by | ordered by | ranked by | rank by"),
    ("DIR", True, "descending | desc | highest first | largest first | biggest first | high to low | most first"),
    ("DIR", False, "ascending | asc | lowest first | smallest first | low to high"),
    ("TOP", True, "top"),
    ("TOP", False, "bottom"),
    ("BY", None, "by"),
    ("EXTREME", True, "highest | largest | biggest"),
    ("EXTREME", False, "lowest | smallest"),
    ("SUPER", True, "most expensive"),
    ("SUPER", False, "cheapest"),
    ("FIRST", None, "first"),
    ("LIMIT", None, "limit | limit to"),
    ("ALL", None, "everything | all | all stocks"),
    ("PERIODLESS", "sma", "sma | ma | dma | moving average | simple moving average"),
    ("PERIODLESS", "ema", "ema | exponential moving average | exponential average"),
    ("FILLER", None, ": | stock | stocks | share | shares | company | companies | equities | securities | names | ones | show | show me | find | find me | give me | list | display | get | get me | search for | look for | looking for | screen for | scan for | i want | please | that | which | who | whose | where | with | have | has | having | is | are | be | being | in | on | listed on | listed | traded on | trading | currently | only | just | also | either | both"),
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

# fmt: off
REFUSED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("free cash flow | fcf | cash flow | operating cash flow", "no cash flows are held", ("profit margin > 0%",)),
    ("gross margin | operating margin | gross margins | operating margins", "only the net profit margin is held", ("profit margin > 10%",)),
    ("ebitda | ev/ebitda | enterprise value | book value | roic | return on assets | roa | current ratio | quick ratio | short interest | float | payout ratio | forward pe | forward p/e | earnings surprise | insider buying", "no such field is held; fundamentals are P/E, P/B, P/S, PEG, ROE, debt to equity, dividend yield, market cap, revenue growth, EPS growth, profit margin", ()),
    ("eps | earnings | earnings per share | revenue | sales | net income | profit | profits", "amounts of the statements are no fields, their growth and ratios are", ("revenue growth > 10%", "EPS growth > 10%", "P/E < 15")),
    ("margin expansion | expanding | improving | growing | rising | increasing | accelerating | falling | decreasing | declining | shrinking | recovering", "a direction over time has to be a comparison with an earlier session", ("profit margin > profit margin 63 sessions ago", "volume > volume 5 sessions ago")),
    ("margins", "which margin? The net profit margin is held", ("profit margin > 10%",)),
    ("best | good | great | strong | hot | promising | safe | solid | quality | weak | bad | worst | strongest | weakest", "is no measure: say what is to be high or low", ("top 20 by momentum", "top 20 by revenue growth", "oversold")),
    ("buy | sell | to buy | to sell | buys | sells | invest in | to invest in", "the screener gives no advice: say what you look for", ("top 20 by momentum",)),
    ("average", "of what?", ("20-day average volume", "50-day SMA")),
    ("leaders | momentum leaders | losers | gainers | winners", "how many, and by what?", ("top 50 by momentum", "up more than 5% today")),
    ("high | higher | low | lower | big | bigger | small | smaller | more | less | fewer | large", "needs a number to compare with, or a number of weeks", ("dividend yield > 3%", "top 20 by dividend yield", "within 5% of 52-week high")),
    ("cheaper than | better than | similar to | like | compared to | compared with | versus | vs", "a comparison with another company cannot be asked for: give a number", ("P/E < 15",)),
    ("undervalued | overvalued | expensive | value | growth", "has no fixed meaning: say which ratio is to be high or low", ("P/E < 15", "P/B < 1", "revenue growth > 20%")),
    ("consumer", "which of the two consumer sectors?", ("consumer discretionary", "consumer staples")),
    ("recently | lately | recent", "within how many sessions?", ("in the last 5 sessions",)),
    ("for last | for past", "a condition on every one of several sessions cannot be asked for; crossings take a window, other conditions an earlier session", ("price > price 5 sessions ago", "in the last 5 sessions")),
    ("this week | this month | this quarter | this year | on week | on month | on year", "a calendar period is as long as its days so far: say how many sessions", ("in the last 5 sessions", "in the last month")),
    ("ytd | this year to date | this month to date | year to date | month to date | week to date | mtd | qtd", "returns run over fixed numbers of sessions: 1, 5, 21, 63, 126, 252", ("21-day return > 5%", "252-day return > 5%")),
    ("about | around | roughly | approximately | approx | nearly | almost | circa | near | close to | ~", "how near? Give a range", ("within 5% of 52-week high", "price between $95 and $105")),
    ("crossing | crossed | crosses | cross | crossover", "crossed what, and to which side?", ("50-day SMA crossed above 200-day SMA",)),
    ("open | today's high | today's low | day's high | day's low | intraday", "the open, high and low of a session are no fields", ("price > $10", "opening gap > 2%")),
    ("ipo | ipos | newly listed | s&p500 | s&p 500 | s & p 500 | sp500 | dow jones | russell 2000 | nasdaq 100", "neither listing dates nor members of indices are held", ("exchange is Nasdaq", "large caps")),
    ("contains | containing | starts with | starting with | begins with", "texts are compared as a whole, in quotes", ('name is "Apple Inc."',)),
    ("and/or", "which of the two: and, or or?", ("and", "or")),
    ("trend | trending | breakout | breakouts | consolidating", "has no fixed meaning", ("uptrend", "downtrend", "new 52-week high")),
    ("change", "over how many sessions?", ("1-day return > 5%", "up more than 5% today")),
    ("return | returns | performance", "over how many sessions? 1, 5, 21, 63, 126 and 252 are held", ("21-day return > 5%",)),
    ("relative strength", "the RSI, or momentum against the market?", ("RSI > 70", "12-1 momentum > 20%")),
    ("unusual | abnormal", "unusual what?", ("unusual volume",)),
    ("bps of | percent of", "percent of which field?", ("price > 95% of 52-week high",)),
)
# fmt: on
"""(phrases, why they cannot be answered, what to write instead)."""

# fmt: off
INDUSTRIES: dict[str, str] = {
    "Energy": "oil | gas | oil services | coal | solar | pipelines",
    "Materials": "mining | miners | gold | gold miners | steel | chemicals | chemical | lithium",
    "Industrials": "airlines | airline | aerospace | defense | railroads | manufacturing | machinery | trucking",
    "Consumer Discretionary": "retail | retailers | autos | automakers | restaurants | hotels | homebuilders | apparel",
    "Consumer Staples": "food | beverages | tobacco | grocery | supermarkets",
    "Health Care": "biotech | biotechs | biotechnology | pharma | pharmaceutical | pharmaceuticals | medical devices | hospitals",
    "Financials": "bank | banks | banking | insurance | insurers | asset managers | brokers",
    "Information Technology": "software | semiconductor | semiconductors | chip | chips | hardware | ai | cybersecurity | cloud",
    "Communication Services": "media | telecom | telecoms | telecommunications | entertainment | social media",
    "Utilities": "water utilities | electric utilities | nuclear",
    "Real Estate": "reit | reits | homebuilding",
}
# fmt: on
"""Words for industries, narrower than their sector: taking the sector for them would let through what was not asked for."""

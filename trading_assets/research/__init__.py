"""Research: the trading plan in force, the signals of its strategies, and the market of the past for those who try them out."""

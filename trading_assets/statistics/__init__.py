"""Statistics of returns: performance, risk of a portfolio, weights and research; pure functions of arrays."""

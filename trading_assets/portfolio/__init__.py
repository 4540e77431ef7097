"""Portfolio construction: what several strategies want, as one target a symbol, and whose each share of it is."""

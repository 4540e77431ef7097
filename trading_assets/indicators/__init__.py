"""Technical indicators: pure functions over flat, symbol-sorted arrays; one value per bar, NaN until warm."""

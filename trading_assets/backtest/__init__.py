"""Backtests: what trading rules would have done, from next-open fills to the last cent; no I/O, no clock."""

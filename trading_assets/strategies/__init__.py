"""Strategies: from a point-in-time feature frame to signals, one file a strategy."""

"""Alpaca: market data and the broker."""

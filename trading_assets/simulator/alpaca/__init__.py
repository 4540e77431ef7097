"""Alpaca's protocols: trading and data."""

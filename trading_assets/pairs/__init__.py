"""Pairs: which two symbols move together, how, and how sure one may be; one row per (formation, pair)."""

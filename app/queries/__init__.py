"""Queries: the only cached functions of the app; they read the lake, Postgres and the clock, and write saved screens only (see also simulator)."""

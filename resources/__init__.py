"""Edges: the lake, Postgres, the vendors, the broker and the clock."""

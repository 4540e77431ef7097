"""Polygon's protocol."""

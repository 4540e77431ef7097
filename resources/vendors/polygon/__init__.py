"""Polygon."""

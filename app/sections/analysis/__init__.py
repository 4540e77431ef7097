"""Sections of the Analysis page."""

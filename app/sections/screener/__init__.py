"""Sections of the Screener page."""

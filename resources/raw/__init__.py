"""Vendors' answers as they came, and their records."""

"""Data quality: which reported bars are accepted, which are refused and why, and when a session is stopped."""

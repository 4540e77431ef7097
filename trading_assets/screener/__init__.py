"""Screener: typed filters over the features, saved screens, and what they let through in a session."""

"""The simulated market: synthetic or replayed, its bars, listings and actions."""

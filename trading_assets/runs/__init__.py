"""Runs: sessions, history and hours carried out in this process, and what came of them."""

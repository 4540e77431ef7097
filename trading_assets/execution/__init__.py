"""Execution: intents, submission, orders, fills and their comparison with the broker."""

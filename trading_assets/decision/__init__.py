"""The decision of a session, pure: the trading plan, what the market showed, and the targets that follow; live as in history."""

"""Phrases that are said in several words or in another order, rewritten as the tokens that the grammar reads."""

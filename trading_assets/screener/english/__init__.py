"""English of the screener: sentences to queries and back, one module a step."""

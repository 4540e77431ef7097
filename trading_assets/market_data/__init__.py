"""Market data: vendor bars, the consolidated bar, corporate actions and the listed universe."""

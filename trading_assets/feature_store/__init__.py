"""Feature store: reads bars, actions and features for those who compute; one module a way of reading."""

"""Risk: everything between a signal and an order, and what the resulting book risks."""

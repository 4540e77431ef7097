"""The simulated broker: account, orders, matching and books."""

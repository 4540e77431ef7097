"""What goes wrong on request: faults of answers, dirt in data."""

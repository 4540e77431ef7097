"""Trading Assets: algorithmic trading of US equities as a graph of data assets."""

__version__ = "0.1.0"

"""Features: indicators per (symbol, session), and the point-in-time adjustment they are computed on."""

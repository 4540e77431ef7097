"""HTTP to vendors: one policy of pacing, retries and limits, and the transports that obey it."""

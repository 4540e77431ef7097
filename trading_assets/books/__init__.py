"""Analytics: books, performance and statistics derived from fills and prices."""

"""Parts of the tear sheet: numbers in words, tables, curves, charts, and the page that holds them."""

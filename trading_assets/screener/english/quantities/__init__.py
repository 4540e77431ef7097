"""Numbers, amounts and periods as sentences have them."""

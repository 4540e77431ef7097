"""Yahoo."""

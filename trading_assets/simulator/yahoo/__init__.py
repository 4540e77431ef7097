"""Yahoo's protocol."""

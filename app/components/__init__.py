"""Components: the parts that several pages show."""

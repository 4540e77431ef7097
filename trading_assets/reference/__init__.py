"""Reference: the parts of the pages in docs/ that are made from the declarations; one module a page."""

"""Sections: the parts of the pages that have several, a module each."""

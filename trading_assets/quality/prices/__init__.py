"""Checks of how the prices and volumes of one name move from session to session."""

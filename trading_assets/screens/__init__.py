"""Screens: saved screens and the stored market that they look at."""

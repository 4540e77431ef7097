"""Local services: shared processes of one data folder."""

"""The market simulator: one market behind the vendors' own protocols."""

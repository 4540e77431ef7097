"""Quality of corporate actions: what vendors report merged, and what cannot be refused."""

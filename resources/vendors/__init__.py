"""Vendors: what each offers, through its own client; one folder a vendor."""

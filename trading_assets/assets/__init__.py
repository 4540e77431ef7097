"""Assets: how each table is made in a run; declarations over the desks, one file a domain."""

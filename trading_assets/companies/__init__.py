"""Company data: dated snapshots of the ten kinds, and what was known of them at a session."""

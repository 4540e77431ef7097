"""Tables: every table there is, in the lake and in Postgres; one constant each, with columns, units, key and grain."""

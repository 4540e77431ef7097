"""The lake: hive Parquet with history, its locks, and the DuckDB catalogue over it."""

"""Postgres: the embedded server or any other, connections, migrations, frames."""

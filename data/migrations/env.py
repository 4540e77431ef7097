"""Runs the migrations on the connection that resources/database/migrations.py hands over, in one transaction."""

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit(
        "Migrations are applied by the product itself (trading-assets doctor says what is pending)"
    )

context.configure(connection=connection, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()

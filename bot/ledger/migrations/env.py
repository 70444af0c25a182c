"""Run by Alembic: migrates the connection that bot.ledger.schema hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from bot.ledger.schema import configure

context.configure(**configure(context.config.attributes["connection"]))
with context.begin_transaction():
    context.run_migrations()

"""Claims, turns, feedback, unanswered questions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _claims()
    op.create_table(
        "turns",
        sa.Column("key", sa.Text, sa.ForeignKey("claims.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("text", sa.Text, nullable=False, comment="the version that was answered"),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("ending", sa.Text, nullable=False),
        sa.Column("reply", sa.Text, nullable=False, comment="JSON"),
    )
    op.create_table(
        "feedback",
        sa.Column("key", sa.Text, sa.ForeignKey("turns.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("comment", sa.Text, nullable=False),
    )
    op.create_table(
        "unanswered",
        sa.Column("key", sa.Text, sa.ForeignKey("turns.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
    )


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False, comment="seconds since the epoch, of the first version"),
        sa.Column("locale", sa.Text),
        sa.Column("version", sa.Text, nullable=False, comment="of the text"),
        sa.Column("seen", sa.Text, nullable=False, comment="newest version heard of, with the same text or not"),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ending", sa.Text, comment="null while open, and of a claim that was forgotten"),
        sa.Column("reply", sa.Text, comment="null while unknown"),
        sa.Column("streaming", sa.Boolean, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False, comment="the reply was deleted on the platform"),
        sa.Column("owner", sa.Text, comment="null where nobody works on it"),
        sa.Column("lease_until", sa.Double, comment="null where the claim is not open"),
        sa.UniqueConstraint("platform", "channel", "reply", name="claims_reply"),
    )
    op.create_index("claims_lease", "claims", ["lease_until"])
    op.create_index("claims_asked", "claims", ["asked_at"])
    op.create_index("claims_user", "claims", ["user_id", "platform", "asked_at"])
    op.create_index("claims_thread", "claims", ["platform", "team", "channel", "thread"])

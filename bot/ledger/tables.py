"""The tables, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()

claims = Table(
    "claims",
    metadata,
    Column("key", Text, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("asked_at", Double, nullable=False, comment="seconds since the epoch, of the first version"),
    Column("locale", Text),
    Column("version", Text, nullable=False, comment="of the text"),
    Column("seen", Text, nullable=False, comment="newest version heard of, with the same text or not"),
    Column("origin", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("ending", Text, comment="null while open, and of a claim that was forgotten"),
    Column("reply", Text, comment="null while unknown"),
    Column("streaming", Boolean, nullable=False),
    Column("withdrawn", Boolean, nullable=False, comment="the reply was deleted on the platform"),
    Column("owner", Text, comment="null where nobody works on it"),
    Column("lease_until", Double, comment="null where the claim is not open"),
    UniqueConstraint("platform", "channel", "reply", name="claims_reply"),
    Index("claims_lease", "lease_until"),
    Index("claims_asked", "asked_at"),
    Index("claims_user", "user_id", "platform", "asked_at"),
    Index("claims_thread", "platform", "team", "channel", "thread"),
)

turns = Table(
    "turns",
    metadata,
    Column("key", Text, ForeignKey("claims.key", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False, comment="the version that was answered"),
    Column("version", Text, nullable=False),
    Column("ending", Text, nullable=False),
    Column("reply", Text, nullable=False, comment="JSON"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("key", Text, ForeignKey("turns.key", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("reason", Text),
    Column("comment", Text, nullable=False),
)

unanswered = Table(
    "unanswered",
    metadata,
    Column("key", Text, ForeignKey("turns.key", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("language", Text, nullable=False),
)

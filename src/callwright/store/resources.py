"""The table of stored resources: everything that the API creates, but for calls and what they leave; and of answers."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from callwright.store.tables import Moment, metadata

resources = Table(
    "resources",
    metadata,
    Column("sid", String(34), primary_key=True, nullable=False),
    Column("kind", String(48), nullable=True),
    Column("account_sid", String(34), nullable=True),
    Column("parent_sid", String(34), nullable=True),
    Column("date_created", Moment(), nullable=True),
    Column("date_updated", Moment(), nullable=True),
    Column("fields", JSON(none_as_null=True), nullable=True),
)
"""One row a resource: `directory.py` reads them all at the start and writes each change.

What fields a kind has is said by the API's declaration of it, not by columns: a new kind of resource needs no
migration, and an older daemon leaves alone the rows that it does not know.
"""

Index("resources_kind", resources.c.kind, resources.c.account_sid)

answers = Table(
    "answers",
    metadata,
    Column("key", String(64), primary_key=True, nullable=False),
    Column("request", String(64), nullable=True),
    Column("status", Integer(), nullable=True),
    Column("kind", String(64), nullable=True),
    Column("body", Text(), nullable=True),
    Column("at", Moment(), nullable=True),
)
"""Answers to requests with an idempotency key, for a day: `idempotency.py` writes and reads them."""

Index("answers_old", answers.c.at)

"""The GUS agent: its sessions and its knowledge."""

from __future__ import annotations

from sqlalchemy import ARRAY, Column, Double, Index, Integer, String, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from console.data.schema.base import metadata
from console.data.schema.columns import created_at, document, serial_key, updated_at
from console.data.schema.types import Embedding

sessions = Table(
    "sessions",
    metadata,
    serial_key(),
    Column("user_id", String(255), nullable=False),
    Column("session_id", String(255), nullable=False, unique=True),
    created_at(),
    updated_at(),
    document("conversation_history", "[]"),
    document("context"),
    document("preferences"),
    Index("idx_gus_sessions_user", "user_id"),
    Index("idx_gus_sessions_context", "context", postgresql_using="gin"),
    Index("idx_gus_sessions_preferences", "preferences", postgresql_using="gin"),
    schema="arxos_gus",
)

interactions = Table(
    "interactions",
    metadata,
    serial_key(),
    Column("session_id", String(255), nullable=False),
    Column("user_id", String(255), nullable=False),
    Column("query", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("intent", String(100)),
    Column("confidence", Double),
    Column("entities", JSONB),
    Column("processing_time_ms", Integer),
    created_at(),
    Index("idx_gus_interactions_session", "session_id", "created_at"),
    Index("idx_gus_interactions_user", "user_id"),
    Index("idx_gus_interactions_entities", "entities", postgresql_using="gin"),
    schema="arxos_gus",
)

knowledge_base = Table(
    "knowledge_base",
    metadata,
    serial_key(),
    Column("topic", String(255), nullable=False),
    Column("category", String(100), nullable=False),
    Column("title", String(500), nullable=False),
    Column("content", Text, nullable=False),
    Column("source", String(255)),
    Column("citation", Text),
    Column("relevance_tags", ARRAY(Text)),
    Column("embedding_vector", Embedding),
    created_at(),
    updated_at(),
    Index("idx_gus_knowledge_base_topic", "category", "topic"),
    Index("idx_gus_knowledge_base_tags", "relevance_tags", postgresql_using="gin"),
    schema="arxos_gus",
)

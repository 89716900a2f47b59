"""The AI's cache, its memory and what it learns from."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Double, Index, Integer, String, Table, Text, text

from console.data.schema.base import metadata
from console.data.schema.columns import created_at, deadline, document, reference, updated_at, uuid_key

cache_entries = Table(
    "cache_entries",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("response", Text, nullable=False),
    document("metadata"),
    Column("hits", Integer, nullable=False, server_default=text("0")),
    created_at(),
    deadline("expires_at"),
    Index("idx_cache_entries_expires", "expires_at"),
    Index("idx_cache_entries_metadata", "metadata", postgresql_using="gin"),
    schema="ai",
)

conversations = Table(
    "conversations",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", on_delete="CASCADE"),
    Column("agent", String(100)),
    Column("intent", String(100)),
    document("messages", "[]"),
    document("context"),
    created_at(),
    updated_at(),
    Index("idx_ai_conversations_user", "user_id", text("created_at DESC")),
    Index("idx_ai_conversations_messages", "messages", postgresql_using="gin"),
    Index("idx_ai_conversations_context", "context", postgresql_using="gin"),
    schema="ai",
)

memory_facts = Table(
    "memory_facts",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", on_delete="CASCADE"),
    reference("conversation_id", "ai.conversations", on_delete="SET NULL"),
    Column("category", String(100), nullable=False),
    Column("fact", Text, nullable=False),
    Column("confidence", Double, nullable=False, server_default=text("1")),
    document("metadata"),
    created_at(),
    updated_at(),
    CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    Index("idx_memory_facts_user", "user_id", "category"),
    Index("idx_memory_facts_conversation", "conversation_id"),
    Index("idx_memory_facts_metadata", "metadata", postgresql_using="gin"),
    schema="ai",
)

learning_data = Table(
    "learning_data",
    metadata,
    uuid_key(),
    reference("conversation_id", "ai.conversations", on_delete="SET NULL"),
    Column("intent", String(100), nullable=False),
    Column("input", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("score", Double),
    document("metadata"),
    created_at(),
    Index("idx_learning_data_intent", "intent", text("created_at DESC")),
    Index("idx_learning_data_conversation", "conversation_id"),
    Index("idx_learning_data_metadata", "metadata", postgresql_using="gin"),
    schema="ai",
)

"""The assistant's conversations, states and use."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from console.data.schema.base import metadata
from console.data.schema.columns import created_at, document, flag, now, reference, updated_at, uuid_key

conversations = Table(
    "conversations",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", on_delete="CASCADE"),
    reference("session_id", "arxos_core.sessions", on_delete="SET NULL"),
    Column("title", String(500)),
    created_at(),
    updated_at(),
    document("metadata"),
    flag("is_archived", False),
    Index("idx_conversations_user", "user_id", text("created_at DESC")),
    Index("idx_conversations_session", "session_id"),
    Index("idx_conversations_metadata", "metadata", postgresql_using="gin"),
    schema="assist",
)

messages = Table(
    "messages",
    metadata,
    uuid_key(),
    reference("conversation_id", "assist.conversations", on_delete="CASCADE"),
    Column("role", String(50), nullable=False),
    Column("content", Text, nullable=False),
    now("timestamp"),
    document("metadata"),
    reference("parent_message_id", "assist.messages"),
    Column("tokens_used", Integer, nullable=False, server_default=text("0")),
    Index("idx_messages_conversation", "conversation_id", "timestamp"),
    Index("idx_messages_parent", "parent_message_id"),
    Index("idx_messages_metadata", "metadata", postgresql_using="gin"),
    schema="assist",
)

agent_states = Table(
    "agent_states",
    metadata,
    uuid_key(),
    reference("conversation_id", "assist.conversations", on_delete="CASCADE"),
    Column("state_type", String(100), nullable=False),
    Column("state_data", JSONB, nullable=False),
    created_at(),
    updated_at(),
    Index("idx_agent_states_conversation", "conversation_id", "state_type"),
    schema="assist",
)

usage_analytics = Table(
    "usage_analytics",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", on_delete="SET NULL"),
    reference("session_id", "arxos_core.sessions", on_delete="SET NULL"),
    reference("conversation_id", "assist.conversations", on_delete="SET NULL"),
    Column("event_type", String(100), nullable=False),
    document("event_data"),
    now("timestamp"),
    Index("idx_analytics_user_time", "user_id", text("timestamp DESC")),
    Index("idx_analytics_event", "event_type", text("timestamp DESC")),
    Index("idx_analytics_session", "session_id"),
    Index("idx_analytics_conversation", "conversation_id"),
    Index("idx_analytics_event_data", "event_data", postgresql_using="gin"),
    schema="assist",
)

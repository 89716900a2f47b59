"""Chat messages and generated assets."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, Uuid

from console.data.schema.base import metadata
from console.data.schema.columns import created_at, document, reference, updated_at, uuid_key

chat_messages = Table(
    "chat_messages",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", required=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("role", String(50), nullable=False),
    Column("content", Text, nullable=False),
    Column("model", String(100)),
    Column("provider", String(50)),
    Column("tokens_used", Integer),
    created_at(),
    Index("idx_chat_messages_user_id", "user_id"),
    Index("idx_chat_messages_conversation_id", "conversation_id"),
    schema="gaia",
)

assets = Table(
    "assets",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", required=True),
    Column("type", String(50), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("url", Text),
    document("metadata"),
    document("generation_params"),
    Column("status", String(50), nullable=False, server_default="pending"),
    created_at(),
    updated_at(),
    Index("idx_assets_user_id", "user_id"),
    Index("idx_assets_type", "type"),
    Index("idx_assets_status", "status"),
    Index("idx_assets_metadata", "metadata", postgresql_using="gin"),
    Index("idx_assets_generation_params", "generation_params", postgresql_using="gin"),
    schema="gaia",
)

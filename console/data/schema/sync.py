"""Files edited on several devices."""

from __future__ import annotations

from sqlalchemy import ARRAY, Column, Index, Integer, String, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from console.data.schema.base import metadata
from console.data.schema.columns import created_at, document, moment, reference, updated_at, uuid_key

sessions = Table(
    "sessions",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users"),
    Column("device_id", String(255), nullable=False),
    reference("file_id", "arxos_core.files"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    document("changes", "[]"),
    Column("status", String(50), nullable=False, server_default="active"),
    created_at(),
    updated_at(),
    Index("idx_sync_sessions_user", "user_id"),
    Index("idx_sync_sessions_file", "file_id", "version"),
    Index("idx_sync_sessions_device", "device_id", "status"),
    schema="arxos_sync",
)

conflicts = Table(
    "conflicts",
    metadata,
    uuid_key(),
    reference("file_id", "arxos_core.files"),
    Column("device_ids", ARRAY(String(255)), nullable=False),
    Column("conflict_data", JSONB, nullable=False),
    Column("resolution", JSONB),
    Column("status", String(50), nullable=False, server_default="pending"),
    created_at(),
    moment("resolved_at"),
    Index("idx_sync_conflicts_file", "file_id"),
    Index("idx_sync_conflicts_status", "status", "created_at"),
    Index("idx_sync_conflicts_data", "conflict_data", postgresql_using="gin"),
    schema="arxos_sync",
)

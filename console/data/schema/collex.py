"""Preferences, roles and what users do."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text, text
from sqlalchemy.dialects.postgresql import INET

from console.data.schema.base import metadata
from console.data.schema.columns import (
    created_at,
    deadline,
    document,
    flag,
    moment,
    now,
    reference,
    updated_at,
    uuid_key,
)

user_preferences = Table(
    "user_preferences",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", required=True),
    document("preferences"),
    created_at(),
    updated_at(),
    Index("idx_user_preferences_user_id", "user_id"),
    Index("idx_user_preferences_preferences", "preferences", postgresql_using="gin"),
    schema="collex",
)

roles = Table(
    "roles",
    metadata,
    uuid_key(),
    Column("name", String(100), nullable=False),
    Column("description", Text),
    Column("category", String(50), nullable=False),
    flag("is_active"),
    created_at(),
    updated_at(),
    moment("deleted_at"),
    Index("idx_roles_name", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),
    Index("idx_roles_category_active", "category", "is_active", postgresql_where=text("deleted_at IS NULL")),
    schema="collex",
)

permissions = Table(
    "permissions",
    metadata,
    uuid_key(),
    Column("name", String(100), nullable=False),
    Column("description", Text),
    Column("module", String(50), nullable=False),
    Column("resource", String(100), nullable=False),
    Column("action", String(50), nullable=False),
    created_at(),
    updated_at(),
    moment("deleted_at"),
    Index("idx_permissions_name", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),
    Index(
        "idx_permissions_module_resource", "module", "resource", postgresql_where=text("deleted_at IS NULL")
    ),
    schema="collex",
)

user_sessions = Table(
    "user_sessions",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", required=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("device_name", String(255)),
    Column("ip_address", INET),
    Column("user_agent", Text),
    flag("is_active"),
    now("last_activity_at"),
    deadline("expires_at"),
    created_at(),
    updated_at(),
    moment("deleted_at"),
    Index(
        "idx_user_sessions_user_active", "user_id", "is_active", postgresql_where=text("deleted_at IS NULL")
    ),
    Index("idx_user_sessions_user_id", "user_id"),
    schema="collex",
)

user_activities = Table(
    "user_activities",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", required=True),
    Column("activity_type", String(50), nullable=False),
    Column("description", Text),
    document("metadata"),
    Column("ip_address", INET),
    Column("user_agent", Text),
    created_at(),
    updated_at(),
    moment("deleted_at"),
    Index(
        "idx_user_activities_user_type",
        "user_id",
        "activity_type",
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index("idx_user_activities_user_id", "user_id"),
    Index("idx_user_activities_metadata", "metadata", postgresql_using="gin"),
    schema="collex",
)

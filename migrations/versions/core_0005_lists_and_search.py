"""Indexes for long lists of users and keys, and for searching them

Revision ID: core_0005
Revises: core_0004
Create Date: 2026-11-27 21:14:52
"""

from alembic import op

revision = "core_0005"
down_revision = "core_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("CREATE INDEX idx_users_listed ON arxos_core.users (email, id)")
    op.sql("CREATE INDEX idx_users_inactive ON arxos_core.users (email, id) WHERE is_active IS NOT TRUE")
    op.sql("CREATE INDEX idx_users_deleted ON arxos_core.users (email, id) WHERE deleted_at IS NOT NULL")
    op.sql("CREATE INDEX idx_api_keys_created ON arxos_core.api_keys (created_at, id)")
    op.sql("CREATE INDEX idx_api_keys_expires ON arxos_core.api_keys (expires_at, id)")
    op.sql("CREATE INDEX idx_api_keys_last_used ON arxos_core.api_keys (last_used_at, id)")
    op.sql("""
        CREATE INDEX idx_api_keys_revoked ON arxos_core.api_keys (created_at, id)
        WHERE revoked_at IS NOT NULL
    """)
    if op.create_owned_extension("pg_trgm"):
        op.sql("""
            CREATE INDEX idx_users_search ON arxos_core.users
            USING gin (email gin_trgm_ops, username gin_trgm_ops, name gin_trgm_ops)
        """)
        op.sql("""
            CREATE INDEX idx_api_keys_search ON arxos_core.api_keys
            USING gin (key_prefix gin_trgm_ops, name gin_trgm_ops)
        """)


def downgrade() -> None:
    op.sql("DROP INDEX IF EXISTS arxos_core.idx_api_keys_search")
    op.sql("DROP INDEX IF EXISTS arxos_core.idx_users_search")
    op.drop_owned_extension("pg_trgm")
    op.sql("DROP INDEX arxos_core.idx_api_keys_revoked")
    op.sql("DROP INDEX arxos_core.idx_api_keys_last_used")
    op.sql("DROP INDEX arxos_core.idx_api_keys_expires")
    op.sql("DROP INDEX arxos_core.idx_api_keys_created")
    op.sql("DROP INDEX arxos_core.idx_users_deleted")
    op.sql("DROP INDEX arxos_core.idx_users_inactive")
    op.sql("DROP INDEX arxos_core.idx_users_listed")

"""Indexes for the kinds of keys that are looked for

Revision ID: core_0006
Revises: core_0005
Create Date: 2026-11-28 00:58:31
"""

from alembic import op

revision = "core_0006"
down_revision = "core_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With these columns it answers alone what else is asked of the few keys that are in it.
    op.sql("""
        CREATE INDEX idx_api_keys_admin ON arxos_core.api_keys (created_at, id)
        INCLUDE (user_id, is_active, revoked_at, expires_at, last_used_at)
        WHERE permissions @> '{"admin": true}' OR permissions @> '{"*": true}'
           OR permissions @> '{"scopes": ["admin"]}' OR permissions @> '{"scopes": ["*"]}'
           OR permissions @> '["admin"]' OR permissions @> '["*"]'
    """)
    op.sql("""
        CREATE INDEX idx_api_keys_off ON arxos_core.api_keys (created_at, id)
        WHERE is_active IS NOT TRUE AND revoked_at IS NULL
    """)
    op.sql("""
        CREATE INDEX idx_api_keys_never_used ON arxos_core.api_keys (created_at, id)
        WHERE last_used_at IS NULL
    """)
    op.sql("""
        CREATE INDEX idx_api_keys_never_expiring ON arxos_core.api_keys (created_at, id)
        WHERE expires_at IS NULL
    """)


def downgrade() -> None:
    op.sql("DROP INDEX arxos_core.idx_api_keys_never_expiring")
    op.sql("DROP INDEX arxos_core.idx_api_keys_never_used")
    op.sql("DROP INDEX arxos_core.idx_api_keys_off")
    op.sql("DROP INDEX arxos_core.idx_api_keys_admin")

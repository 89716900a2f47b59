"""API keys that can be rotated and revoked

Revision ID: core_0003
Revises: core_0002
Create Date: 2026-11-21 10:33:21
"""

from alembic import op

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE arxos_core.api_keys (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL REFERENCES arxos_core.users (id) ON DELETE CASCADE,
            key_hash varchar(64) NOT NULL CONSTRAINT idx_api_keys_key_hash UNIQUE,
            key_prefix varchar(32),
            name varchar(255),
            permissions jsonb NOT NULL DEFAULT '{}',
            environment varchar(50),
            is_active boolean NOT NULL DEFAULT true,
            expires_at timestamptz,
            last_used_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            created_by varchar(255),
            updated_at timestamptz NOT NULL DEFAULT now(),
            revoked_at timestamptz,
            revoked_by varchar(255),
            revoke_reason text,
            replaced_by uuid REFERENCES arxos_core.api_keys (id) ON DELETE SET NULL,
            CONSTRAINT api_keys_key_hash_check CHECK (key_hash ~ '^[0-9a-f]{64}$')
        )
    """)
    op.sql("CREATE INDEX idx_api_keys_user_id ON arxos_core.api_keys (user_id)")
    op.sql("CREATE INDEX idx_api_keys_is_active ON arxos_core.api_keys (is_active)")
    op.sql("CREATE INDEX idx_api_keys_replaced_by ON arxos_core.api_keys (replaced_by)")
    op.sql("CREATE INDEX idx_api_keys_permissions ON arxos_core.api_keys USING gin (permissions)")
    op.create_touch_trigger("arxos_core.api_keys")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_core.api_keys")

"""Files edited on several devices, and where that ended in conflict

Revision ID: sync_0001
Revises:
Create Date: 2026-11-21 10:40:03
"""

from alembic import op

revision = "sync_0001"
down_revision = None
branch_labels = ("sync",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("arxos_sync")
    op.sql("""
        CREATE TABLE arxos_sync.sessions (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id),
            device_id varchar(255) NOT NULL,
            file_id uuid REFERENCES arxos_core.files (id),
            version integer NOT NULL DEFAULT 1,
            changes jsonb NOT NULL DEFAULT '[]',
            status varchar(50) NOT NULL DEFAULT 'active',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_sync_sessions_user ON arxos_sync.sessions (user_id)")
    op.sql("CREATE INDEX idx_sync_sessions_file ON arxos_sync.sessions (file_id, version)")
    op.sql("CREATE INDEX idx_sync_sessions_device ON arxos_sync.sessions (device_id, status)")
    op.create_touch_trigger("arxos_sync.sessions")
    op.sql("""
        CREATE TABLE arxos_sync.conflicts (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            file_id uuid REFERENCES arxos_core.files (id),
            device_ids varchar(255)[] NOT NULL,
            conflict_data jsonb NOT NULL,
            resolution jsonb,
            status varchar(50) NOT NULL DEFAULT 'pending',
            created_at timestamptz NOT NULL DEFAULT now(),
            resolved_at timestamptz
        )
    """)
    op.sql("CREATE INDEX idx_sync_conflicts_file ON arxos_sync.conflicts (file_id)")
    op.sql("CREATE INDEX idx_sync_conflicts_status ON arxos_sync.conflicts (status, created_at)")
    op.sql("CREATE INDEX idx_sync_conflicts_data ON arxos_sync.conflicts USING gin (conflict_data)")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_sync.conflicts")
    op.sql("DROP TABLE arxos_sync.sessions")
    op.drop_owned_schema("arxos_sync")

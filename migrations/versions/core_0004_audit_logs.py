"""An audit trail whose rows are chained

Revision ID: core_0004
Revises: core_0003
Create Date: 2026-11-21 10:34:28
"""

from alembic import op

revision = "core_0004"
down_revision = "core_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE arxos_core.audit_logs (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE SET NULL,
            session_id uuid REFERENCES arxos_core.sessions (id) ON DELETE SET NULL,
            action varchar(100) NOT NULL,
            resource_type varchar(100),
            resource_id uuid,
            details jsonb NOT NULL DEFAULT '{}',
            ip_address inet,
            user_agent text,
            timestamp timestamptz NOT NULL DEFAULT now(),
            sequence bigint NOT NULL UNIQUE,
            prev_hash varchar(64),
            hash varchar(64) NOT NULL,
            CONSTRAINT audit_logs_sequence_check CHECK (sequence > 0),
            CONSTRAINT audit_logs_prev_hash_check CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
            CONSTRAINT audit_logs_hash_check CHECK (hash ~ '^[0-9a-f]{64}$')
        )
    """)
    op.sql("CREATE INDEX idx_audit_user_time ON arxos_core.audit_logs (user_id, timestamp DESC)")
    op.sql("CREATE INDEX idx_audit_action ON arxos_core.audit_logs (action, timestamp DESC)")
    op.sql("CREATE INDEX idx_audit_session ON arxos_core.audit_logs (session_id)")
    op.sql("CREATE INDEX idx_audit_resource ON arxos_core.audit_logs (resource_type, resource_id)")
    op.sql("CREATE INDEX idx_audit_details ON arxos_core.audit_logs USING gin (details)")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_core.audit_logs")

"""How the assistant is used

Revision ID: assist_0003
Revises: assist_0002
Create Date: 2026-11-21 10:48:59
"""

from alembic import op

revision = "assist_0003"
down_revision = "assist_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE assist.usage_analytics (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE SET NULL,
            session_id uuid REFERENCES arxos_core.sessions (id) ON DELETE SET NULL,
            conversation_id uuid REFERENCES assist.conversations (id) ON DELETE SET NULL,
            event_type varchar(100) NOT NULL,
            event_data jsonb NOT NULL DEFAULT '{}',
            timestamp timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_analytics_user_time ON assist.usage_analytics (user_id, timestamp DESC)")
    op.sql("CREATE INDEX idx_analytics_event ON assist.usage_analytics (event_type, timestamp DESC)")
    op.sql("CREATE INDEX idx_analytics_session ON assist.usage_analytics (session_id)")
    op.sql("CREATE INDEX idx_analytics_conversation ON assist.usage_analytics (conversation_id)")
    op.sql("CREATE INDEX idx_analytics_event_data ON assist.usage_analytics USING gin (event_data)")


def downgrade() -> None:
    op.sql("DROP TABLE assist.usage_analytics")

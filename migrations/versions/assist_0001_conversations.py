"""Conversations and their messages

Revision ID: assist_0001
Revises:
Create Date: 2026-11-21 10:46:45
"""

from alembic import op

revision = "assist_0001"
down_revision = None
branch_labels = ("assist",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("assist")
    op.sql("""
        CREATE TABLE assist.conversations (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE CASCADE,
            session_id uuid REFERENCES arxos_core.sessions (id) ON DELETE SET NULL,
            title varchar(500),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            metadata jsonb NOT NULL DEFAULT '{}',
            is_archived boolean NOT NULL DEFAULT false
        )
    """)
    op.sql("CREATE INDEX idx_conversations_user ON assist.conversations (user_id, created_at DESC)")
    op.sql("CREATE INDEX idx_conversations_session ON assist.conversations (session_id)")
    op.sql("CREATE INDEX idx_conversations_metadata ON assist.conversations USING gin (metadata)")
    op.create_touch_trigger("assist.conversations")
    op.sql("""
        CREATE TABLE assist.messages (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            conversation_id uuid REFERENCES assist.conversations (id) ON DELETE CASCADE,
            role varchar(50) NOT NULL,
            content text NOT NULL,
            timestamp timestamptz NOT NULL DEFAULT now(),
            metadata jsonb NOT NULL DEFAULT '{}',
            parent_message_id uuid REFERENCES assist.messages (id),
            tokens_used integer NOT NULL DEFAULT 0
        )
    """)
    op.sql("CREATE INDEX idx_messages_conversation ON assist.messages (conversation_id, timestamp)")
    op.sql("CREATE INDEX idx_messages_parent ON assist.messages (parent_message_id)")
    op.sql("CREATE INDEX idx_messages_metadata ON assist.messages USING gin (metadata)")


def downgrade() -> None:
    op.sql("DROP TABLE assist.messages")
    op.sql("DROP TABLE assist.conversations")
    op.drop_owned_schema("assist")

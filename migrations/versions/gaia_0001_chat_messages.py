"""Chat messages and the models that wrote them

Revision ID: gaia_0001
Revises:
Create Date: 2026-11-21 10:41:10
"""

from alembic import op

revision = "gaia_0001"
down_revision = None
branch_labels = ("gaia",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("gaia")
    op.sql("""
        CREATE TABLE gaia.chat_messages (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL REFERENCES arxos_core.users (id),
            conversation_id uuid NOT NULL,
            role varchar(50) NOT NULL,
            content text NOT NULL,
            model varchar(100),
            provider varchar(50),
            tokens_used integer,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_chat_messages_user_id ON gaia.chat_messages (user_id)")
    op.sql("CREATE INDEX idx_chat_messages_conversation_id ON gaia.chat_messages (conversation_id)")


def downgrade() -> None:
    op.sql("DROP TABLE gaia.chat_messages")
    op.drop_owned_schema("gaia")

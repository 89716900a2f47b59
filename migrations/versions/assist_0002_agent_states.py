"""What an agent has to remember of a conversation

Revision ID: assist_0002
Revises: assist_0001
Create Date: 2026-11-21 10:47:52
"""

from alembic import op

revision = "assist_0002"
down_revision = "assist_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE assist.agent_states (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            conversation_id uuid REFERENCES assist.conversations (id) ON DELETE CASCADE,
            state_type varchar(100) NOT NULL,
            state_data jsonb NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_agent_states_conversation ON assist.agent_states (conversation_id, state_type)")
    op.create_touch_trigger("assist.agent_states")


def downgrade() -> None:
    op.sql("DROP TABLE assist.agent_states")

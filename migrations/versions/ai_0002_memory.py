"""Conversations, and what is remembered and learned from them

Revision ID: ai_0002
Revises: ai_0001
Create Date: 2026-11-21 10:53:27
"""

from alembic import op

revision = "ai_0002"
down_revision = "ai_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE ai.conversations (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE CASCADE,
            agent varchar(100),
            intent varchar(100),
            messages jsonb NOT NULL DEFAULT '[]',
            context jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_ai_conversations_user ON ai.conversations (user_id, created_at DESC)")
    op.sql("CREATE INDEX idx_ai_conversations_messages ON ai.conversations USING gin (messages)")
    op.sql("CREATE INDEX idx_ai_conversations_context ON ai.conversations USING gin (context)")
    op.create_touch_trigger("ai.conversations")
    op.sql("""
        CREATE TABLE ai.memory_facts (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE CASCADE,
            conversation_id uuid REFERENCES ai.conversations (id) ON DELETE SET NULL,
            category varchar(100) NOT NULL,
            fact text NOT NULL,
            confidence double precision NOT NULL DEFAULT 1,
            metadata jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT memory_facts_confidence_check CHECK (confidence BETWEEN 0 AND 1)
        )
    """)
    op.sql("CREATE INDEX idx_memory_facts_user ON ai.memory_facts (user_id, category)")
    op.sql("CREATE INDEX idx_memory_facts_conversation ON ai.memory_facts (conversation_id)")
    op.sql("CREATE INDEX idx_memory_facts_metadata ON ai.memory_facts USING gin (metadata)")
    op.create_touch_trigger("ai.memory_facts")
    op.sql("""
        CREATE TABLE ai.learning_data (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            conversation_id uuid REFERENCES ai.conversations (id) ON DELETE SET NULL,
            intent varchar(100) NOT NULL,
            input text NOT NULL,
            output text NOT NULL,
            score double precision,
            metadata jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_learning_data_intent ON ai.learning_data (intent, created_at DESC)")
    op.sql("CREATE INDEX idx_learning_data_conversation ON ai.learning_data (conversation_id)")
    op.sql("CREATE INDEX idx_learning_data_metadata ON ai.learning_data USING gin (metadata)")


def downgrade() -> None:
    op.sql("DROP TABLE ai.learning_data")
    op.sql("DROP TABLE ai.memory_facts")
    op.sql("DROP TABLE ai.conversations")

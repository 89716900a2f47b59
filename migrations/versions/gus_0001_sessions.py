"""Sessions with the GUS agent and what was said in them

Revision ID: gus_0001
Revises:
Create Date: 2026-11-21 10:35:35
"""

from alembic import op

revision = "gus_0001"
down_revision = None
branch_labels = ("gus",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("arxos_gus")
    op.sql("""
        CREATE TABLE arxos_gus.sessions (
            id serial PRIMARY KEY,
            user_id varchar(255) NOT NULL,
            session_id varchar(255) NOT NULL UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            conversation_history jsonb NOT NULL DEFAULT '[]',
            context jsonb NOT NULL DEFAULT '{}',
            preferences jsonb NOT NULL DEFAULT '{}'
        )
    """)
    op.sql("CREATE INDEX idx_gus_sessions_user ON arxos_gus.sessions (user_id)")
    op.sql("CREATE INDEX idx_gus_sessions_context ON arxos_gus.sessions USING gin (context)")
    op.sql("CREATE INDEX idx_gus_sessions_preferences ON arxos_gus.sessions USING gin (preferences)")
    op.create_touch_trigger("arxos_gus.sessions")
    op.sql("""
        CREATE TABLE arxos_gus.interactions (
            id serial PRIMARY KEY,
            session_id varchar(255) NOT NULL,
            user_id varchar(255) NOT NULL,
            query text NOT NULL,
            response text NOT NULL,
            intent varchar(100),
            confidence double precision,
            entities jsonb,
            processing_time_ms integer,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_gus_interactions_session ON arxos_gus.interactions (session_id, created_at)")
    op.sql("CREATE INDEX idx_gus_interactions_user ON arxos_gus.interactions (user_id)")
    op.sql("CREATE INDEX idx_gus_interactions_entities ON arxos_gus.interactions USING gin (entities)")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_gus.interactions")
    op.sql("DROP TABLE arxos_gus.sessions")
    op.drop_owned_schema("arxos_gus")

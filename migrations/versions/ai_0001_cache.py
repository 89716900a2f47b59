"""Answers that are kept for a while

Revision ID: ai_0001
Revises:
Create Date: 2026-11-21 10:52:20
"""

from alembic import op

revision = "ai_0001"
down_revision = None
branch_labels = ("ai",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("ai")
    op.sql("""
        CREATE TABLE ai.cache_entries (
            key varchar(255) PRIMARY KEY,
            response text NOT NULL,
            metadata jsonb NOT NULL DEFAULT '{}',
            hits integer NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL
        )
    """)
    op.sql("CREATE INDEX idx_cache_entries_expires ON ai.cache_entries (expires_at)")
    op.sql("CREATE INDEX idx_cache_entries_metadata ON ai.cache_entries USING gin (metadata)")
    op.sql("""
        CREATE FUNCTION ai.cleanup_expired_cache() RETURNS bigint
        LANGUAGE plpgsql AS $$
        DECLARE
            removed bigint;
        BEGIN
            DELETE FROM ai.cache_entries WHERE expires_at <= now();
            GET DIAGNOSTICS removed = ROW_COUNT;
            RETURN removed;
        END
        $$
    """)
    op.sql(
        "COMMENT ON FUNCTION ai.cleanup_expired_cache() IS 'Removes the entries that have expired; returns how many.'"
    )


def downgrade() -> None:
    op.sql("DROP FUNCTION ai.cleanup_expired_cache()")
    op.sql("DROP TABLE ai.cache_entries")
    op.drop_owned_schema("ai")

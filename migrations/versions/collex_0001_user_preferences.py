"""Preferences of users

Revision ID: collex_0001
Revises:
Create Date: 2026-11-21 10:43:24
"""

from alembic import op

revision = "collex_0001"
down_revision = None
branch_labels = ("collex",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("collex")
    op.sql("""
        CREATE TABLE collex.user_preferences (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL REFERENCES arxos_core.users (id),
            preferences jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_user_preferences_user_id ON collex.user_preferences (user_id)")
    op.sql("CREATE INDEX idx_user_preferences_preferences ON collex.user_preferences USING gin (preferences)")
    op.create_touch_trigger("collex.user_preferences")


def downgrade() -> None:
    op.sql("DROP TABLE collex.user_preferences")
    op.drop_owned_schema("collex")

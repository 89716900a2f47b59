"""Sessions of users and what they did

Revision ID: collex_0003
Revises: collex_0002
Create Date: 2026-11-21 10:45:38
"""

from alembic import op

revision = "collex_0003"
down_revision = "collex_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE collex.user_sessions (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL REFERENCES arxos_core.users (id),
            token_hash varchar(64) NOT NULL UNIQUE,
            device_name varchar(255),
            ip_address inet,
            user_agent text,
            is_active boolean NOT NULL DEFAULT true,
            last_activity_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz
        )
    """)
    op.sql("""
        CREATE INDEX idx_user_sessions_user_active ON collex.user_sessions (user_id, is_active)
        WHERE deleted_at IS NULL
    """)
    op.sql("CREATE INDEX idx_user_sessions_user_id ON collex.user_sessions (user_id)")
    op.create_touch_trigger("collex.user_sessions")
    op.sql("""
        CREATE TABLE collex.user_activities (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL REFERENCES arxos_core.users (id),
            activity_type varchar(50) NOT NULL,
            description text,
            metadata jsonb NOT NULL DEFAULT '{}',
            ip_address inet,
            user_agent text,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz
        )
    """)
    op.sql("""
        CREATE INDEX idx_user_activities_user_type ON collex.user_activities (user_id, activity_type)
        WHERE deleted_at IS NULL
    """)
    op.sql("CREATE INDEX idx_user_activities_user_id ON collex.user_activities (user_id)")
    op.sql("CREATE INDEX idx_user_activities_metadata ON collex.user_activities USING gin (metadata)")
    op.create_touch_trigger("collex.user_activities")


def downgrade() -> None:
    op.sql("DROP TABLE collex.user_activities")
    op.sql("DROP TABLE collex.user_sessions")

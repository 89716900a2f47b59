"""Users, their sessions, and who keeps updated_at

Revision ID: core_0001
Revises:
Create Date: 2026-11-21 10:31:07
"""

from alembic import op

revision = "core_0001"
down_revision = None
branch_labels = ("core",)
depends_on = None


def upgrade() -> None:
    op.create_owned_schema("arxos_core")
    op.sql("""
        CREATE FUNCTION arxos_core.touch_updated_at() RETURNS trigger
        LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at := now();
            RETURN NEW;
        END
        $$
    """)
    op.sql("""
        CREATE TABLE arxos_core.users (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            email varchar(255),
            username varchar(255),
            name varchar(255),
            phone_number varchar(20),
            password_hash varchar(255),
            status varchar(50) NOT NULL DEFAULT 'active',
            is_active boolean NOT NULL DEFAULT true,
            profile jsonb NOT NULL DEFAULT '{}',
            subscription jsonb NOT NULL DEFAULT '{}',
            preferences jsonb NOT NULL DEFAULT '{}',
            last_login_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz,
            CONSTRAINT users_reachable_check CHECK (email IS NOT NULL OR phone_number IS NOT NULL)
        )
    """)
    op.sql("CREATE UNIQUE INDEX idx_users_email ON arxos_core.users (lower(email)) WHERE deleted_at IS NULL")
    op.sql(
        "CREATE UNIQUE INDEX idx_users_username ON arxos_core.users (lower(username)) WHERE deleted_at IS NULL"
    )
    op.sql(
        "CREATE UNIQUE INDEX idx_users_phone_number ON arxos_core.users (phone_number) WHERE deleted_at IS NULL"
    )
    op.sql(
        "CREATE INDEX idx_users_phone_status ON arxos_core.users (phone_number, status) WHERE deleted_at IS NULL"
    )
    op.sql("""
        CREATE INDEX idx_users_email_status ON arxos_core.users (email, status)
        WHERE deleted_at IS NULL AND email IS NOT NULL
    """)
    op.sql("CREATE INDEX idx_users_profile ON arxos_core.users USING gin (profile)")
    op.sql("CREATE INDEX idx_users_subscription ON arxos_core.users USING gin (subscription)")
    op.sql("CREATE INDEX idx_users_preferences ON arxos_core.users USING gin (preferences)")
    op.create_touch_trigger("arxos_core.users")
    op.sql("""
        CREATE TABLE arxos_core.sessions (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE CASCADE,
            session_token varchar(512) NOT NULL CONSTRAINT idx_sessions_token UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            last_activity timestamptz NOT NULL DEFAULT now(),
            ip_address inet,
            user_agent text,
            is_active boolean NOT NULL DEFAULT true
        )
    """)
    op.sql("CREATE INDEX idx_sessions_user_active ON arxos_core.sessions (user_id, is_active)")
    op.sql("CREATE INDEX idx_sessions_expires ON arxos_core.sessions (expires_at)")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_core.sessions")
    op.sql("DROP TABLE arxos_core.users")
    op.sql("DROP FUNCTION arxos_core.touch_updated_at()")
    op.drop_owned_schema("arxos_core")

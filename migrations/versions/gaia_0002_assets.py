"""Generated assets

Revision ID: gaia_0002
Revises: gaia_0001
Create Date: 2026-11-21 10:42:17
"""

from alembic import op

revision = "gaia_0002"
down_revision = "gaia_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE gaia.assets (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL REFERENCES arxos_core.users (id),
            type varchar(50) NOT NULL,
            name varchar(255) NOT NULL,
            description text,
            url text,
            metadata jsonb NOT NULL DEFAULT '{}',
            generation_params jsonb NOT NULL DEFAULT '{}',
            status varchar(50) NOT NULL DEFAULT 'pending',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_assets_user_id ON gaia.assets (user_id)")
    op.sql("CREATE INDEX idx_assets_type ON gaia.assets (type)")
    op.sql("CREATE INDEX idx_assets_status ON gaia.assets (status)")
    op.sql("CREATE INDEX idx_assets_metadata ON gaia.assets USING gin (metadata)")
    op.sql("CREATE INDEX idx_assets_generation_params ON gaia.assets USING gin (generation_params)")
    op.create_touch_trigger("gaia.assets")


def downgrade() -> None:
    op.sql("DROP TABLE gaia.assets")

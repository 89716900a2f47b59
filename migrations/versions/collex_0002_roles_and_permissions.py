"""Roles and permissions

Revision ID: collex_0002
Revises: collex_0001
Create Date: 2026-11-21 10:44:31
"""

from alembic import op

revision = "collex_0002"
down_revision = "collex_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE collex.roles (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name varchar(100) NOT NULL,
            description text,
            category varchar(50) NOT NULL,
            is_active boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz
        )
    """)
    op.sql("CREATE UNIQUE INDEX idx_roles_name ON collex.roles (name) WHERE deleted_at IS NULL")
    op.sql(
        "CREATE INDEX idx_roles_category_active ON collex.roles (category, is_active) WHERE deleted_at IS NULL"
    )
    op.create_touch_trigger("collex.roles")
    op.sql("""
        CREATE TABLE collex.permissions (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name varchar(100) NOT NULL,
            description text,
            module varchar(50) NOT NULL,
            resource varchar(100) NOT NULL,
            action varchar(50) NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz
        )
    """)
    op.sql("CREATE UNIQUE INDEX idx_permissions_name ON collex.permissions (name) WHERE deleted_at IS NULL")
    op.sql("""
        CREATE INDEX idx_permissions_module_resource ON collex.permissions (module, resource)
        WHERE deleted_at IS NULL
    """)
    op.create_touch_trigger("collex.permissions")


def downgrade() -> None:
    op.sql("DROP TABLE collex.permissions")
    op.sql("DROP TABLE collex.roles")

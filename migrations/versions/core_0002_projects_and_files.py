"""Projects and their files

Revision ID: core_0002
Revises: core_0001
Create Date: 2026-11-21 10:32:14
"""

from alembic import op

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE arxos_core.projects (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name varchar(255) NOT NULL,
            description text,
            owner_id uuid REFERENCES arxos_core.users (id),
            metadata jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_projects_owner ON arxos_core.projects (owner_id)")
    op.sql("CREATE INDEX idx_projects_metadata ON arxos_core.projects USING gin (metadata)")
    op.create_touch_trigger("arxos_core.projects")
    op.sql("""
        CREATE TABLE arxos_core.files (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name varchar(255) NOT NULL,
            type varchar(50) NOT NULL,
            content text,
            metadata jsonb NOT NULL DEFAULT '{}',
            permissions jsonb NOT NULL DEFAULT '{}',
            project_id uuid REFERENCES arxos_core.projects (id),
            owner_id uuid REFERENCES arxos_core.users (id),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_files_project ON arxos_core.files (project_id)")
    op.sql("CREATE INDEX idx_files_owner ON arxos_core.files (owner_id)")
    op.sql("CREATE INDEX idx_files_metadata ON arxos_core.files USING gin (metadata)")
    op.sql("CREATE INDEX idx_files_permissions ON arxos_core.files USING gin (permissions)")
    op.create_touch_trigger("arxos_core.files")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_core.files")
    op.sql("DROP TABLE arxos_core.projects")

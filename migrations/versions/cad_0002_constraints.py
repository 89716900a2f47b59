"""Constraints between CAD objects

Revision ID: cad_0002
Revises: cad_0001
Create Date: 2026-11-21 10:38:56
"""

from alembic import op

revision = "cad_0002"
down_revision = "cad_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE arxos_cad.constraints (
            id serial PRIMARY KEY,
            constraint_id varchar(255) NOT NULL UNIQUE,
            constraint_type varchar(100) NOT NULL,
            object_ids varchar(255)[] NOT NULL,
            parameters jsonb NOT NULL DEFAULT '{}',
            status varchar(50) NOT NULL DEFAULT 'active',
            project_id uuid REFERENCES arxos_core.projects (id),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_cad_constraints_type ON arxos_cad.constraints (constraint_type)")
    op.sql("CREATE INDEX idx_cad_constraints_objects ON arxos_cad.constraints USING gin (object_ids)")
    op.sql("CREATE INDEX idx_cad_constraints_project ON arxos_cad.constraints (project_id)")
    op.sql("CREATE INDEX idx_cad_constraints_parameters ON arxos_cad.constraints USING gin (parameters)")
    op.create_touch_trigger("arxos_cad.constraints")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_cad.constraints")

"""CAD objects and where they are

Revision ID: cad_0001
Revises:
Create Date: 2026-11-21 10:37:49
"""

from alembic import op

revision = "cad_0001"
down_revision = None
branch_labels = ("cad",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("arxos_cad")
    geometry = "geometry(Point,4326)" if op.create_owned_extension("postgis") else "point"
    op.sql(f"""
        CREATE TABLE arxos_cad.objects (
            id serial PRIMARY KEY,
            object_id varchar(255) NOT NULL UNIQUE,
            object_type varchar(100) NOT NULL,
            name varchar(255),
            geometry {geometry},
            properties jsonb NOT NULL DEFAULT '{{}}',
            project_id uuid REFERENCES arxos_core.projects (id),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_cad_objects_geometry ON arxos_cad.objects USING gist (geometry)")
    op.sql("CREATE INDEX idx_cad_objects_type ON arxos_cad.objects (object_type)")
    op.sql("CREATE INDEX idx_cad_objects_project ON arxos_cad.objects (project_id)")
    op.sql("CREATE INDEX idx_cad_objects_properties ON arxos_cad.objects USING gin (properties)")
    op.create_touch_trigger("arxos_cad.objects")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_cad.objects")
    op.drop_owned_extension("postgis")
    op.drop_owned_schema("arxos_cad")

"""CAD objects in space and the constraints between them."""

from __future__ import annotations

from sqlalchemy import ARRAY, Column, Index, String, Table

from console.data.schema.base import metadata
from console.data.schema.columns import created_at, document, reference, serial_key, updated_at
from console.data.schema.types import Geometry

objects = Table(
    "objects",
    metadata,
    serial_key(),
    Column("object_id", String(255), nullable=False, unique=True),
    Column("object_type", String(100), nullable=False),
    Column("name", String(255)),
    Column("geometry", Geometry),
    document("properties"),
    reference("project_id", "arxos_core.projects"),
    created_at(),
    updated_at(),
    Index("idx_cad_objects_geometry", "geometry", postgresql_using="gist"),
    Index("idx_cad_objects_type", "object_type"),
    Index("idx_cad_objects_project", "project_id"),
    Index("idx_cad_objects_properties", "properties", postgresql_using="gin"),
    schema="arxos_cad",
)

constraints = Table(
    "constraints",
    metadata,
    serial_key(),
    Column("constraint_id", String(255), nullable=False, unique=True),
    Column("constraint_type", String(100), nullable=False),
    Column("object_ids", ARRAY(String(255)), nullable=False),
    document("parameters"),
    Column("status", String(50), nullable=False, server_default="active"),
    reference("project_id", "arxos_core.projects"),
    created_at(),
    updated_at(),
    Index("idx_cad_constraints_type", "constraint_type"),
    Index("idx_cad_constraints_objects", "object_ids", postgresql_using="gin"),
    Index("idx_cad_constraints_project", "project_id"),
    Index("idx_cad_constraints_parameters", "parameters", postgresql_using="gin"),
    schema="arxos_cad",
)

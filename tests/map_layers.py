"""Layers as tests of maps describe them."""

from __future__ import annotations

from typing import Any

from console.models.layers import Attribute, GeometryKind, Layer, LayerName, RelationKind


def layer_of(name: str, *attributes: str, **more: Any) -> Layer:
    """The layer `schema.table.column`, with `attributes` written as "name type"; of points in SRID 4326 unless `more` says."""
    srid = more.pop("srid", 4326)
    told: dict[str, Any] = {
        "kind": GeometryKind.GEOMETRY,
        "shape": "POINT",
        "srid": srid,
        "is_geographic": srid == 4326,
        "relation": RelationKind.TABLE,
        "rows": 10,
        "size": 8192,
        "has_index": True,
        "is_analysed": True,
        "may_read": True,
        "may_write": True,
        "key": ("id",),
    }
    described = tuple(Attribute(*one.split(" ", 1)) for one in attributes)
    return Layer(name=LayerName(*name.split(".")), attributes=described, **(told | more))


CAD = layer_of(
    "arxos_cad.objects.geometry",
    "id integer",
    "object_id character varying(255)",
    "object_type character varying(100)",
    "name character varying(255)",
    "properties jsonb",
    "project_id uuid",
    "created_at timestamp with time zone",
    "updated_at timestamp with time zone",
)
"""The platform's objects where there is PostGIS."""

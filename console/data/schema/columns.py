"""Columns that many tables have in the same way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, Integer, Uuid, false, func, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import Boolean


def uuid_key() -> Column[Any]:
    """`id`, made up by the server."""
    return Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()"))


def serial_key() -> Column[Any]:
    """`id`, counted."""
    return Column("id", Integer, primary_key=True)


def reference(name: str, target: str, *, required: bool = False, on_delete: str | None = None) -> Column[Any]:
    """A reference to the `id` of `schema.table`."""
    return Column(name, Uuid, ForeignKey(f"{target}.id", ondelete=on_delete), nullable=not required)


def document(name: str, empty: str = "{}") -> Column[Any]:
    """JSON that is always there."""
    return Column(name, JSONB, nullable=False, server_default=empty)


def flag(name: str, default: bool = True) -> Column[Any]:
    """Yes or no, never unknown."""
    return Column(name, Boolean, nullable=False, server_default=true() if default else false())


def moment(name: str) -> Column[Any]:
    """A time, when it has come."""
    return Column(name, DateTime(timezone=True))


def deadline(name: str) -> Column[Any]:
    """A time that is always given."""
    return Column(name, DateTime(timezone=True), nullable=False)


def now(name: str) -> Column[Any]:
    """A time, by default that of the transaction."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def created_at() -> Column[Any]:
    """When the row came."""
    return now("created_at")


def updated_at() -> Column[Any]:
    """When the row last changed; a trigger keeps it."""
    return now("updated_at")

"""Metrics and events; the materialised view `daily_stats` sums them up."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Identity, Index, String, Table, text

from console.data.schema.base import metadata
from console.data.schema.columns import document, now, reference

metrics = Table(
    "metrics",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("value", Double, nullable=False),
    document("labels"),
    now("recorded_at"),
    Index("idx_metrics_name_time", "name", text("recorded_at DESC")),
    Index("idx_metrics_labels", "labels", postgresql_using="gin"),
    schema="analytics",
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("event_type", String(100), nullable=False),
    reference("user_id", "arxos_core.users", on_delete="SET NULL"),
    Column("source", String(100)),
    document("payload"),
    now("occurred_at"),
    Index("idx_events_type_time", "event_type", text("occurred_at DESC")),
    Index("idx_events_user", "user_id", text("occurred_at DESC")),
    Index("idx_events_payload", "payload", postgresql_using="gin"),
    schema="analytics",
)

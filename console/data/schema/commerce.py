"""Businesses, products and orders."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Numeric, String, Table, Text, text

from console.data.schema.base import metadata
from console.data.schema.columns import created_at, document, flag, reference, updated_at, uuid_key

businesses = Table(
    "businesses",
    metadata,
    uuid_key(),
    reference("owner_id", "arxos_core.users", on_delete="SET NULL"),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("category", String(100)),
    Column("city", String(100)),
    flag("is_active"),
    document("metadata"),
    created_at(),
    updated_at(),
    Index("idx_businesses_owner", "owner_id"),
    Index("idx_businesses_created", text("created_at DESC")),
    Index("idx_businesses_metadata", "metadata", postgresql_using="gin"),
    schema="commerce",
)

products = Table(
    "products",
    metadata,
    uuid_key(),
    reference("business_id", "commerce.businesses", required=True, on_delete="CASCADE"),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("price", Numeric(10, 2), nullable=False),
    Column("stock", Integer, nullable=False, server_default=text("0")),
    flag("is_available"),
    document("attributes"),
    created_at(),
    updated_at(),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("stock >= 0", name="stock"),
    Index("idx_products_business", "business_id", "is_available"),
    Index("idx_products_attributes", "attributes", postgresql_using="gin"),
    schema="commerce",
)

orders = Table(
    "orders",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", on_delete="SET NULL"),
    reference("business_id", "commerce.businesses", required=True),
    Column("status", String(50), nullable=False, server_default="pending"),
    Column("total", Numeric(10, 2), nullable=False, server_default=text("0")),
    document("delivery_address"),
    created_at(),
    updated_at(),
    CheckConstraint("total >= 0", name="total"),
    Index("idx_orders_user", "user_id", text("created_at DESC")),
    Index("idx_orders_business", "business_id", "status"),
    Index("idx_orders_delivery_address", "delivery_address", postgresql_using="gin"),
    schema="commerce",
)

order_items = Table(
    "order_items",
    metadata,
    uuid_key(),
    reference("order_id", "commerce.orders", required=True, on_delete="CASCADE"),
    reference("product_id", "commerce.products", required=True),
    Column("quantity", Integer, nullable=False, server_default=text("1")),
    Column("unit_price", Numeric(10, 2), nullable=False),
    created_at(),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("unit_price >= 0", name="unit_price"),
    Index("idx_order_items_order", "order_id"),
    Index("idx_order_items_product", "product_id"),
    schema="commerce",
)

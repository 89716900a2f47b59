"""Orders and their items

Revision ID: commerce_0002
Revises: commerce_0001
Create Date: 2026-11-21 10:51:13
"""

from alembic import op

revision = "commerce_0002"
down_revision = "commerce_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE commerce.orders (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE SET NULL,
            business_id uuid NOT NULL REFERENCES commerce.businesses (id),
            status varchar(50) NOT NULL DEFAULT 'pending',
            total numeric(10,2) NOT NULL DEFAULT 0,
            delivery_address jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT orders_total_check CHECK (total >= 0)
        )
    """)
    op.sql("CREATE INDEX idx_orders_user ON commerce.orders (user_id, created_at DESC)")
    op.sql("CREATE INDEX idx_orders_business ON commerce.orders (business_id, status)")
    op.sql("CREATE INDEX idx_orders_delivery_address ON commerce.orders USING gin (delivery_address)")
    op.create_touch_trigger("commerce.orders")
    op.sql("""
        CREATE TABLE commerce.order_items (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            order_id uuid NOT NULL REFERENCES commerce.orders (id) ON DELETE CASCADE,
            product_id uuid NOT NULL REFERENCES commerce.products (id),
            quantity integer NOT NULL DEFAULT 1,
            unit_price numeric(10,2) NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT order_items_quantity_check CHECK (quantity > 0),
            CONSTRAINT order_items_unit_price_check CHECK (unit_price >= 0)
        )
    """)
    op.sql("CREATE INDEX idx_order_items_order ON commerce.order_items (order_id)")
    op.sql("CREATE INDEX idx_order_items_product ON commerce.order_items (product_id)")


def downgrade() -> None:
    op.sql("DROP TABLE commerce.order_items")
    op.sql("DROP TABLE commerce.orders")

"""Businesses and what they sell

Revision ID: commerce_0001
Revises:
Create Date: 2026-11-21 10:50:06
"""

from alembic import op

revision = "commerce_0001"
down_revision = None
branch_labels = ("commerce",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("commerce")
    op.sql("""
        CREATE TABLE commerce.businesses (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            owner_id uuid REFERENCES arxos_core.users (id) ON DELETE SET NULL,
            name varchar(255) NOT NULL,
            description text,
            category varchar(100),
            city varchar(100),
            is_active boolean NOT NULL DEFAULT true,
            metadata jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_businesses_owner ON commerce.businesses (owner_id)")
    op.sql("CREATE INDEX idx_businesses_created ON commerce.businesses (created_at DESC)")
    op.sql("CREATE INDEX idx_businesses_metadata ON commerce.businesses USING gin (metadata)")
    op.create_touch_trigger("commerce.businesses")
    op.sql("""
        CREATE TABLE commerce.products (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            business_id uuid NOT NULL REFERENCES commerce.businesses (id) ON DELETE CASCADE,
            name varchar(255) NOT NULL,
            description text,
            price numeric(10,2) NOT NULL,
            stock integer NOT NULL DEFAULT 0,
            is_available boolean NOT NULL DEFAULT true,
            attributes jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT products_price_check CHECK (price >= 0),
            CONSTRAINT products_stock_check CHECK (stock >= 0)
        )
    """)
    op.sql("CREATE INDEX idx_products_business ON commerce.products (business_id, is_available)")
    op.sql("CREATE INDEX idx_products_attributes ON commerce.products USING gin (attributes)")
    op.create_touch_trigger("commerce.products")


def downgrade() -> None:
    op.sql("DROP TABLE commerce.products")
    op.sql("DROP TABLE commerce.businesses")
    op.drop_owned_schema("commerce")

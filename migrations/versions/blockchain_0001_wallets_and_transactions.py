"""Wallets and transactions in FODI

Revision ID: blockchain_0001
Revises:
Create Date: 2026-11-21 10:54:34
"""

from alembic import op

revision = "blockchain_0001"
down_revision = None
branch_labels = ("blockchain",)
depends_on = "core_0004"


def upgrade() -> None:
    op.create_owned_schema("blockchain")
    op.sql("""
        CREATE TABLE blockchain.wallets (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE SET NULL,
            address varchar(100) NOT NULL UNIQUE,
            balance numeric(20,8) NOT NULL DEFAULT 0,
            metadata jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT wallets_balance_check CHECK (balance >= 0)
        )
    """)
    op.sql("CREATE INDEX idx_wallets_user ON blockchain.wallets (user_id)")
    op.sql("CREATE INDEX idx_wallets_metadata ON blockchain.wallets USING gin (metadata)")
    op.create_touch_trigger("blockchain.wallets")
    op.sql("""
        CREATE TABLE blockchain.fodi_transactions (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            from_wallet_id uuid REFERENCES blockchain.wallets (id),
            to_wallet_id uuid NOT NULL REFERENCES blockchain.wallets (id),
            amount numeric(20,8) NOT NULL,
            status varchar(50) NOT NULL DEFAULT 'pending',
            transaction_hash varchar(128) UNIQUE,
            metadata jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            confirmed_at timestamptz,
            CONSTRAINT fodi_transactions_amount_check CHECK (amount > 0)
        )
    """)
    op.sql(
        "CREATE INDEX idx_fodi_transactions_from ON blockchain.fodi_transactions (from_wallet_id, created_at DESC)"
    )
    op.sql(
        "CREATE INDEX idx_fodi_transactions_to ON blockchain.fodi_transactions (to_wallet_id, created_at DESC)"
    )
    op.sql("CREATE INDEX idx_fodi_transactions_status ON blockchain.fodi_transactions (status, created_at)")
    op.sql("CREATE INDEX idx_fodi_transactions_metadata ON blockchain.fodi_transactions USING gin (metadata)")


def downgrade() -> None:
    op.sql("DROP TABLE blockchain.fodi_transactions")
    op.sql("DROP TABLE blockchain.wallets")
    op.drop_owned_schema("blockchain")

"""NFTs and rewards

Revision ID: blockchain_0002
Revises: blockchain_0001
Create Date: 2026-11-21 10:55:41
"""

from alembic import op

revision = "blockchain_0002"
down_revision = "blockchain_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE TABLE blockchain.nft_metadata (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            token_id varchar(100) NOT NULL UNIQUE,
            wallet_id uuid REFERENCES blockchain.wallets (id) ON DELETE SET NULL,
            name varchar(255) NOT NULL,
            description text,
            image_url text,
            attributes jsonb NOT NULL DEFAULT '{}',
            minted_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_nft_metadata_wallet ON blockchain.nft_metadata (wallet_id)")
    op.sql("CREATE INDEX idx_nft_metadata_attributes ON blockchain.nft_metadata USING gin (attributes)")
    op.create_touch_trigger("blockchain.nft_metadata")
    op.sql("""
        CREATE TABLE blockchain.reward_history (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES arxos_core.users (id) ON DELETE SET NULL,
            transaction_id uuid REFERENCES blockchain.fodi_transactions (id) ON DELETE SET NULL,
            reward_type varchar(100) NOT NULL,
            amount numeric(20,8) NOT NULL,
            reason text,
            metadata jsonb NOT NULL DEFAULT '{}',
            distributed_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT reward_history_amount_check CHECK (amount > 0)
        )
    """)
    op.sql("CREATE INDEX idx_reward_history_user ON blockchain.reward_history (user_id, distributed_at DESC)")
    op.sql("CREATE INDEX idx_reward_history_transaction ON blockchain.reward_history (transaction_id)")
    op.sql("CREATE INDEX idx_reward_history_metadata ON blockchain.reward_history USING gin (metadata)")


def downgrade() -> None:
    op.sql("DROP TABLE blockchain.reward_history")
    op.sql("DROP TABLE blockchain.nft_metadata")

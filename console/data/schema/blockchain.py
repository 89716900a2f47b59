"""Wallets, transactions, NFTs and rewards."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Numeric, String, Table, Text, text

from console.data.schema.base import metadata
from console.data.schema.columns import created_at, document, moment, now, reference, updated_at, uuid_key

wallets = Table(
    "wallets",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", on_delete="SET NULL"),
    Column("address", String(100), nullable=False, unique=True),
    Column("balance", Numeric(20, 8), nullable=False, server_default=text("0")),
    document("metadata"),
    created_at(),
    updated_at(),
    CheckConstraint("balance >= 0", name="balance"),
    Index("idx_wallets_user", "user_id"),
    Index("idx_wallets_metadata", "metadata", postgresql_using="gin"),
    schema="blockchain",
)

fodi_transactions = Table(
    "fodi_transactions",
    metadata,
    uuid_key(),
    reference("from_wallet_id", "blockchain.wallets"),
    reference("to_wallet_id", "blockchain.wallets", required=True),
    Column("amount", Numeric(20, 8), nullable=False),
    Column("status", String(50), nullable=False, server_default="pending"),
    Column("transaction_hash", String(128), unique=True),
    document("metadata"),
    created_at(),
    moment("confirmed_at"),
    CheckConstraint("amount > 0", name="amount"),
    Index("idx_fodi_transactions_from", "from_wallet_id", text("created_at DESC")),
    Index("idx_fodi_transactions_to", "to_wallet_id", text("created_at DESC")),
    Index("idx_fodi_transactions_status", "status", "created_at"),
    Index("idx_fodi_transactions_metadata", "metadata", postgresql_using="gin"),
    schema="blockchain",
)

nft_metadata = Table(
    "nft_metadata",
    metadata,
    uuid_key(),
    Column("token_id", String(100), nullable=False, unique=True),
    reference("wallet_id", "blockchain.wallets", on_delete="SET NULL"),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("image_url", Text),
    document("attributes"),
    now("minted_at"),
    updated_at(),
    Index("idx_nft_metadata_wallet", "wallet_id"),
    Index("idx_nft_metadata_attributes", "attributes", postgresql_using="gin"),
    schema="blockchain",
)

reward_history = Table(
    "reward_history",
    metadata,
    uuid_key(),
    reference("user_id", "arxos_core.users", on_delete="SET NULL"),
    reference("transaction_id", "blockchain.fodi_transactions", on_delete="SET NULL"),
    Column("reward_type", String(100), nullable=False),
    Column("amount", Numeric(20, 8), nullable=False),
    Column("reason", Text),
    document("metadata"),
    now("distributed_at"),
    CheckConstraint("amount > 0", name="amount"),
    Index("idx_reward_history_user", "user_id", text("distributed_at DESC")),
    Index("idx_reward_history_transaction", "transaction_id"),
    Index("idx_reward_history_metadata", "metadata", postgresql_using="gin"),
    schema="blockchain",
)

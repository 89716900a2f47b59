"""The knowledge base and its embeddings

Revision ID: gus_0002
Revises: gus_0001
Create Date: 2026-11-21 10:36:42
"""

from alembic import op

revision = "gus_0002"
down_revision = "gus_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    embedding = "vector(1536)" if op.create_owned_extension("vector") else "real[]"
    op.sql(f"""
        CREATE TABLE arxos_gus.knowledge_base (
            id serial PRIMARY KEY,
            topic varchar(255) NOT NULL,
            category varchar(100) NOT NULL,
            title varchar(500) NOT NULL,
            content text NOT NULL,
            source varchar(255),
            citation text,
            relevance_tags text[],
            embedding_vector {embedding},
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.sql("CREATE INDEX idx_gus_knowledge_base_topic ON arxos_gus.knowledge_base (category, topic)")
    op.sql("CREATE INDEX idx_gus_knowledge_base_tags ON arxos_gus.knowledge_base USING gin (relevance_tags)")
    op.create_touch_trigger("arxos_gus.knowledge_base")


def downgrade() -> None:
    op.sql("DROP TABLE arxos_gus.knowledge_base")
    op.drop_owned_extension("vector")

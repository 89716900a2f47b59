"""The figures of each day

Revision ID: analytics_0002
Revises: analytics_0001
Create Date: 2026-11-21 10:57:55
"""

from alembic import op

revision = "analytics_0002"
down_revision = "analytics_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.sql("""
        CREATE MATERIALIZED VIEW analytics.daily_stats AS
        SELECT (recorded_at AT TIME ZONE 'UTC')::date AS day,
               name,
               count(*) AS samples,
               sum(value) AS total,
               avg(value) AS average,
               min(value) AS minimum,
               max(value) AS maximum,
               percentile_cont(0.95) WITHIN GROUP (ORDER BY value) AS p95
        FROM analytics.metrics
        GROUP BY 1, 2
    """)
    op.sql(
        "COMMENT ON MATERIALIZED VIEW analytics.daily_stats IS 'Each metric on each day of UTC, as of the last refresh.'"
    )
    op.sql("CREATE UNIQUE INDEX idx_daily_stats_day_name ON analytics.daily_stats (day, name)")
    op.sql("""
        CREATE FUNCTION analytics.refresh_daily_stats() RETURNS void
        LANGUAGE plpgsql AS $$
        BEGIN
            REFRESH MATERIALIZED VIEW CONCURRENTLY analytics.daily_stats;
        END
        $$
    """)
    op.sql(
        "COMMENT ON FUNCTION analytics.refresh_daily_stats() IS 'Refreshes analytics.daily_stats; readers do not wait.'"
    )


def downgrade() -> None:
    op.sql("DROP FUNCTION analytics.refresh_daily_stats()")
    op.sql("DROP MATERIALIZED VIEW analytics.daily_stats")

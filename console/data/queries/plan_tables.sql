-- The relations of a plan: what they weigh, when they were tended to, how they are read. $1 their schemas, $2 their names.
-- Sizes in bytes. The statistics functions in place of the view, which would join every table of the database.
WITH asked AS (
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind, c.reltuples, c.relpages
    FROM unnest($1::text[], $2::text[]) AS a (schema, name)
    JOIN pg_namespace n ON n.nspname = a.schema::name
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = a.name::name
)
SELECT schema,
       name,
       CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'm' THEN 'materialized view'
                    WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view' ELSE relkind::text END AS kind,
       CASE WHEN relkind IN ('r', 'm') THEN pg_total_relation_size(oid) END AS size,
       CASE WHEN relkind IN ('r', 'm') THEN pg_relation_size(oid) END AS table_size,
       CASE WHEN reltuples >= 0 AND (relpages > 0 OR reltuples > 0) THEN reltuples::float8 END AS rows,
       CASE WHEN relkind IN ('r', 'm') THEN pg_stat_get_dead_tuples(oid) END AS dead_rows,
       CASE WHEN relkind IN ('r', 'm') THEN pg_stat_get_numscans(oid) END AS sequential_scans,
       (SELECT sum(pg_stat_get_numscans(i.indexrelid))::bigint FROM pg_index i WHERE i.indrelid = asked.oid) AS index_scans,
       greatest(pg_stat_get_last_vacuum_time(oid), pg_stat_get_last_autovacuum_time(oid)) AS last_vacuum,
       greatest(pg_stat_get_last_analyze_time(oid), pg_stat_get_last_autoanalyze_time(oid)) AS last_analyze,
       pg_stat_get_mod_since_analyze(oid) AS modified_since_analyze
FROM asked
ORDER BY size DESC NULLS LAST, schema, name

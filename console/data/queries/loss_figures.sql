-- What is in relations ($1) and, where it is not 0, in their column $2, as the statistics have it; each with its
-- partitions. heap_bytes is what counting would read; it can be counted where this role may read all of it, and
-- nobody keeps it to himself. The size of such a relation is that of its last VACUUM or ANALYZE: no lock is waited for.
WITH RECURSIVE asked AS (
    SELECT relid, attnum, place FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY AS a (relid, attnum, place)
), member AS (
    SELECT DISTINCT relid AS root, relid AS oid FROM asked
    UNION
    SELECT m.root, i.inhrelid
    FROM member m
    JOIN pg_inherits i ON i.inhparent = m.oid
    JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
), locked AS MATERIALIZED (
    SELECT DISTINCT relation
    FROM pg_locks
    WHERE granted
      AND mode = 'AccessExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pid <> pg_backend_pid()
), figure AS (
    SELECT m.root,
           sum(CASE WHEN c.relkind NOT IN ('p', 'I')
                     AND c.reltuples >= 0
                     AND (c.relpages > 0 OR current_setting('server_version_num')::int >= 140000)
                    THEN c.reltuples END) AS rows,
           sum(CASE WHEN l.relation IS NOT NULL THEN c.relpages * current_setting('block_size')::bigint
                    WHEN c.relkind IN ('i', 'S') THEN pg_relation_size(c.oid)
                    ELSE pg_total_relation_size(c.oid) END)::bigint AS bytes,
           sum(CASE WHEN l.relation IS NOT NULL THEN NULL ELSE pg_relation_size(c.oid) END)::bigint AS heap_bytes,
           bool_and(l.relation IS NULL AND c.relkind IN ('r', 'p', 'm')) AS countable
    FROM member m
    JOIN pg_class c ON c.oid = m.oid
    LEFT JOIN locked l ON l.relation = c.oid
    GROUP BY m.root
)
SELECT a.relid,
       a.attnum,
       n.nspname::text AS schema,
       c.relname::text AS relation,
       t.attname::text AS column,
       CASE WHEN c.relkind NOT IN ('r', 'p', 'm') THEN NULL
            WHEN a.attnum = 0 THEN f.rows::bigint
            ELSE (f.rows * (1 - s.null_frac))::bigint END AS rows,
       CASE WHEN a.attnum = 0 AND c.relkind NOT IN ('v', 'f') THEN f.bytes END AS bytes,
       f.rows::bigint AS rows_read,
       coalesce(f.heap_bytes, 0) AS heap_bytes,
       f.countable
       AND has_schema_privilege(c.relnamespace, 'USAGE')
       AND CASE WHEN a.attnum = 0 THEN has_table_privilege(c.oid, 'SELECT')
                ELSE has_column_privilege(c.oid, a.attnum::smallint, 'SELECT') END
       AND NOT (c.relkind IN ('r', 'p') AND row_security_active(c.oid))
       AND (c.relkind <> 'm' OR c.relispopulated) AS countable
FROM asked a
JOIN figure f ON f.root = a.relid
JOIN pg_class c ON c.oid = a.relid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute t ON t.attrelid = a.relid AND t.attnum = a.attnum AND a.attnum > 0
LEFT JOIN pg_stats s
       ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = t.attname
      AND s.inherited = (c.relkind = 'p')
ORDER BY a.place

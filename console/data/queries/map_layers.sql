-- Every column with geometry: of PostGIS's types, in whatever schema those are, and of PostgreSQL's own points. A
-- partition is shown by its table; what an extension has brought is not shown. There is a row also where there is none.
-- An SRID and a shape are in the type's modifier, or in CHECKs as PostGIS before 2.0 made them.
-- Takes no lock on a table that somebody keeps to himself: its size is then that of its last VACUUM or ANALYZE.
WITH RECURSIVE postgis AS (
    SELECT e.extversion AS version, e.extnamespace AS namespace, n.nspname AS schema
    FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'postgis'
), kind AS (
    SELECT oid, typname::text AS kind
    FROM pg_type
    WHERE oid = 'point'::regtype
       OR (typname IN ('geometry', 'geography') AND typnamespace = (SELECT namespace FROM postgis))
), layer AS MATERIALIZED (
    SELECT c.oid, c.relkind, n.oid AS namespace, n.nspname AS schema, c.relname AS name, a.attname AS "column", a.attnum,
           k.kind, a.atttypmod AS modifier,
           has_table_privilege(c.oid, 'SELECT') AS may_read_all
    FROM pg_attribute a
    JOIN kind k ON k.oid = a.atttypid
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT c.relispartition
      AND n.nspname !~ '^pg_'
      AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT 1
                      FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), member AS (
    SELECT oid AS root, oid FROM layer
    UNION
    SELECT m.root, i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), kept AS MATERIALIZED (
    SELECT relation
    FROM pg_locks
    WHERE granted
      AND mode = 'AccessExclusiveLock'
      AND locktype = 'relation'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), part AS (
    SELECT m.root, c.oid, c.relpages, c.reltuples,
           c.reltuples >= 0 AND (c.relpages > 0 OR c.reltuples > 0) AS is_counted,
           k.is_kept,
           CASE WHEN NOT k.is_kept THEN pg_relation_size(c.oid) END AS main_size,
           CASE WHEN NOT k.is_kept AND c.reltoastrelid <> 0 THEN pg_relation_size(c.reltoastrelid) ELSE 0 END AS other_size
    FROM member m
    JOIN pg_class c ON c.oid = m.oid AND c.relkind IN ('r', 'm', 'f')
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT 1 FROM kept WHERE relation IN (c.oid, c.reltoastrelid)) AS is_kept
    ) AS k
), weight AS (
    -- As the planner counts: as many rows on each page as when they were counted. Where they never were, those that
    -- the statistics of the server's work have seen come.
    SELECT root,
           sum(coalesce(main_size, relpages * current_setting('block_size')::bigint) + other_size)::bigint AS size,
           sum(CASE WHEN is_counted AND relpages > 0 AND main_size > 0
                    THEN reltuples / relpages * (main_size / current_setting('block_size')::bigint)
                    WHEN is_counted THEN reltuples
                    ELSE nullif(pg_stat_get_live_tuples(oid), 0) END)::bigint AS rows
    FROM part
    GROUP BY root
)
SELECT p.version AS postgis,
       p.schema::text AS postgis_schema,
       CASE WHEN l.oid IS NULL
            THEN EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'postgis') END AS may_have_postgis,
       l.schema::text,
       l.name::text,
       l."column"::text,
       l.kind,
       l.modifier,
       checked.srid AS checked_srid,
       checked.shape AS checked_shape,
       l.relkind::text,
       CASE WHEN l.relkind <> 'v' THEN w.rows END AS rows,
       coalesce(w.size, 0) AS size,
       EXISTS (SELECT 1
               FROM pg_index i
               JOIN pg_class ic ON ic.oid = i.indexrelid
               JOIN pg_am am ON am.oid = ic.relam
               JOIN pg_opclass o ON o.oid = i.indclass[0]
               WHERE i.indrelid = l.oid
                 AND i.indkey[0] = l.attnum
                 AND i.indisvalid
                 AND i.indpred IS NULL
                 AND am.amname IN ('gist', 'spgist')
                 AND o.opcname !~ '_nd$|_3d$') AS has_index,
       EXISTS (SELECT 1
               FROM pg_stats s
               WHERE s.schemaname = l.schema AND s.tablename = l.name AND s.attname = l."column")
       OR ((NOT l.may_read_all OR row_security_active(l.oid))
           AND coalesce(pg_stat_get_last_analyze_time(l.oid), pg_stat_get_last_autoanalyze_time(l.oid))
               IS NOT NULL) AS is_analysed,
       has_schema_privilege(l.namespace, 'USAGE') AS may_use_schema,
       has_column_privilege(l.oid, l.attnum, 'SELECT') AS may_read_column,
       l.relkind IN ('r', 'p') AND has_table_privilege(l.oid, 'INSERT, UPDATE, DELETE') AS may_write,
       coalesce(
           (SELECT array_agg(a.attname::text ORDER BY k.place)
            FROM pg_constraint c
            CROSS JOIN unnest(c.conkey) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = l.oid AND a.attnum = k.attnum
            WHERE c.conrelid = l.oid AND c.contype = 'p'
            HAVING bool_and(has_column_privilege(l.oid, k.attnum, 'SELECT'))),
           CASE WHEN l.relkind IN ('r', 'm') AND l.may_read_all
                 AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = l.oid) THEN ARRAY['ctid'] END,
           ARRAY[]::text[]) AS key,
       b.names,
       b.types,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM (SELECT 1) AS one
LEFT JOIN postgis p ON true
LEFT JOIN layer l ON true
LEFT JOIN weight w ON w.root = l.oid
LEFT JOIN LATERAL (
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), ARRAY[]::text[]) AS names,
           coalesce(array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum), ARRAY[]::text[]) AS types
    FROM pg_attribute a
    WHERE a.attrelid = l.oid
      AND a.attnum > 0
      AND a.attnum <> l.attnum
      AND NOT a.attisdropped
      AND (l.may_read_all OR has_column_privilege(l.oid, a.attnum, 'SELECT'))
) AS b ON true
LEFT JOIN LATERAL (
    SELECT max(substring(c.definition FROM 'st_srid\([^()]*\) = \(?(\d+)'))::int AS srid,
           max(substring(c.definition FROM 'geometrytype\([^()]*\) = ''(\w+)''')) AS shape
    FROM (SELECT pg_get_constraintdef(oid) AS definition
          FROM pg_constraint
          WHERE conrelid = l.oid AND contype = 'c' AND conkey = ARRAY[l.attnum]) AS c
    WHERE l.kind = 'geometry' AND l.modifier < 0 AND l.oid NOT IN (SELECT relation FROM kept)
) AS checked ON true
ORDER BY l.schema, l.name, l.attnum

-- What stands behind the names of tables ($2, of the schemas $1 or, where that is empty, of the search path; an index
-- stands for its table), and behind the tables that their foreign keys lead to: each with its partitions and heirs.
-- to_regclass() would fail at a schema that this role may not use.
-- Takes no lock on a table that somebody keeps to himself: its size is then that of its last VACUUM or ANALYZE.
WITH RECURSIVE named AS (
    SELECT n.place, coalesce(i.indrelid, c.oid) AS oid
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (schema, name, place)
    JOIN pg_class c ON c.relname = n.name::name
    JOIN pg_namespace s ON s.oid = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE CASE WHEN n.schema = '' THEN pg_table_is_visible(c.oid) ELSE s.nspname = n.schema::name END
), foreign_key AS (
    SELECT conrelid, conname::text, confrelid
    FROM pg_constraint
    WHERE contype = 'f' AND confrelid <> conrelid AND conrelid IN (SELECT oid FROM named)
), member AS (
    SELECT oid AS root, oid FROM named
    UNION
    SELECT confrelid, confrelid FROM foreign_key
    UNION
    SELECT m.root, i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), lock AS MATERIALIZED (
    SELECT relation, pid, mode
    FROM pg_locks
    WHERE granted
      AND locktype = 'relation'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pid <> pg_backend_pid()
), weight AS (
    SELECT m.root,
           sum(CASE WHEN c.relkind <> 'p'
                     AND c.reltuples >= 0
                     AND (c.relpages > 0 OR current_setting('server_version_num')::int >= 140000)
                    THEN c.reltuples END)::bigint AS rows,
           sum(CASE WHEN EXISTS (SELECT 1 FROM lock l WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock')
                    THEN c.relpages * current_setting('block_size')::bigint
                    ELSE pg_total_relation_size(c.oid) END)::bigint AS bytes
    FROM member m
    JOIN pg_class c ON c.oid = m.oid
    GROUP BY m.root
)
SELECT w.root AS oid,
       quote_ident(s.nspname) || '.' || quote_ident(c.relname) AS name,
       ARRAY(SELECT n.place::int FROM named n WHERE n.oid = w.root) AS places,
       w.rows,
       coalesce(w.bytes, 0) AS bytes,
       (SELECT count(DISTINCT l.pid)::int
        FROM member m
        JOIN lock l ON l.relation = m.oid
        WHERE m.root = w.root) AS sessions,
       ARRAY(SELECT f.conname FROM foreign_key f WHERE f.conrelid = w.root ORDER BY 1) AS foreign_keys,
       ARRAY(SELECT f.confrelid FROM foreign_key f WHERE f.conrelid = w.root ORDER BY f.conname) AS led_to,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM weight w
JOIN pg_class c ON c.oid = w.root
JOIN pg_namespace s ON s.oid = c.relnamespace

-- What there is to know of migrations besides the version: which of the tables are there and may be read, who holds
-- the lock that lets one console at a time migrate ($4 and $5), and which indexes a failed CREATE INDEX CONCURRENTLY or
-- REINDEX CONCURRENTLY left.
-- $1, $2: the version table and the ledger; $3: their schema, NULL is wherever the search path finds them.
-- An index that somebody keeps to himself has no size, since asking would have to wait; so would pg_get_indexdef() behind
-- whoever waits for the table. What REINDEX left comes first: each try to build again leaves another one.
WITH wanted AS (
    SELECT c.oid, c.relname, n.nspname,
           has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS may_read
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname IN ($1::name, $2::name)
      AND c.relkind IN ('r', 'p', 'v', 'f')
      AND CASE WHEN $3::name IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = $3 END
), holder AS (
    SELECT l.pid, a.usename AS role, a.application_name AS application, a.backend_start AS since,
           CASE WHEN a.client_addr IS NOT NULL THEN host(a.client_addr)
                WHEN a.client_port = -1 THEN 'local' END AS client
    FROM pg_locks l
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory'
      AND l.classid = $4::oid
      AND l.objid = $5::oid
      AND l.objsubid = 2
      AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    LIMIT 1
), invalid AS (
    SELECT n.nspname AS schema, c.relname AS name,
           quote_ident(s.nspname) || '.' || quote_ident(t.relname) AS table,
           CASE WHEN EXISTS (SELECT 1
                             FROM pg_locks l
                             WHERE l.relation = c.oid
                               AND l.mode = 'AccessExclusiveLock'
                               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
                THEN 0 ELSE pg_relation_size(c.oid) END AS size,
           c.relname ~ '_cc(new|old)[0-9]*$' AS is_transient,
           EXISTS (SELECT 1
                   FROM pg_stat_progress_create_index p
                   JOIN pg_locks l ON l.pid = p.pid AND l.relation = i.indrelid
                   WHERE p.datname = current_database()) AS in_progress
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace s ON s.oid = t.relnamespace
    WHERE NOT i.indisvalid AND c.relkind = 'i'
)
SELECT statement_timestamp() AS at,
       v.nspname AS version_schema,
       v.may_read AS may_read_version,
       g.oid AS ledger,
       g.nspname AS ledger_schema,
       g.may_read AS may_read_ledger,
       h.pid, h.role, h.application, h.since, h.client,
       (SELECT json_agg(x ORDER BY x.is_transient DESC, x.schema, x.name)::text FROM invalid x) AS invalid,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM (VALUES (1)) AS one (row)
LEFT JOIN wanted v ON v.relname = $1
LEFT JOIN wanted g ON g.relname = $2
LEFT JOIN holder h ON true

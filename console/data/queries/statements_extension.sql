-- pg_stat_statements in this database: installed where, in which version, and whether the server loaded it at its start
-- (only then it has its settings), with what else it loads where the role may know. Always one row.
SELECT e.extversion AS version,
       n.nspname AS schema,
       a.default_version AS newest,
       coalesce(has_schema_privilege(n.oid, 'USAGE'), false) AS may_use,
       current_setting('pg_stat_statements.max', true) IS NOT NULL AS is_loaded,
       CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE')
            THEN current_setting('shared_preload_libraries') END AS preloaded,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms,
       statement_timestamp() AS at
FROM (SELECT 1) AS one
LEFT JOIN pg_extension e ON e.extname = 'pg_stat_statements'
LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_available_extensions a ON a.name = 'pg_stat_statements'

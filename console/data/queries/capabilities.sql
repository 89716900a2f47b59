-- What this server and this role can do. Asked once for each connection, in the one round trip that also asks the
-- server to notice a client that is gone: from PostgreSQL 14 on, and where the system can tell it. Elsewhere setting
-- it is an error, on Windows for one. A session that did not begin with the console's settings is a pooler's, and
-- others get it as it is left.
SELECT current_setting('server_version_num')::int AS version_number,
       current_setting('server_version') AS version,
       current_user AS role,
       pg_backend_pid() AS backend_pid,
       current_setting('is_superuser') = 'on' AS is_superuser,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all_sessions,
       pg_has_role('pg_signal_backend', 'USAGE') AS may_signal,
       has_function_privilege('pg_read_binary_file(text, bigint, bigint, boolean)', 'EXECUTE')
           AND has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE')
           AND current_setting('logging_collector') = 'on' AS may_read_log,
       ARRAY(SELECT extname::text FROM pg_extension ORDER BY extname) AS extensions,
       pg_is_in_recovery() AS in_recovery,
       current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int AS superuser_reserved,
       coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
       pg_postmaster_start_time() AS started_at,
       CASE WHEN current_setting('server_version_num')::int >= 140000 AND version() LIKE '%linux%'
             AND (SELECT source FROM pg_settings WHERE name = 'lock_timeout') = 'client'
            THEN set_config('client_connection_check_interval', '1000', false) END AS checks_client

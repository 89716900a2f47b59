-- Client connections, counted by all that the Pools screen breaks them down by; ages in seconds.
-- A few rows however many connections there are. The last row is the console's own session alone; it carries the
-- server's time and what the statement cost (volatile expressions are evaluated after the sort).
-- Sessions that the role may not see have no backend_type, but a role and a database.
SELECT a.datname,
       a.usename,
       a.application_name,
       CASE WHEN a.client_addr IS NOT NULL THEN host(a.client_addr)
            WHEN a.client_port = -1 THEN 'local' END AS client,
       a.state,
       a.wait_event_type,
       a.wait_event,
       a.pid = pg_backend_pid() AS is_own,
       count(*)::int AS connections,
       date_part('epoch', statement_timestamp() - min(a.backend_start)) AS oldest,
       date_part('epoch', statement_timestamp() - min(a.xact_start)) AS oldest_transaction,
       CASE WHEN a.state = 'active'
            THEN date_part('epoch', statement_timestamp() - min(a.query_start)) END AS longest_query,
       CASE WHEN a.state = 'active'
            THEN (array_agg(a.pid ORDER BY a.query_start))[1] END AS longest_query_pid,
       CASE WHEN a.pid = pg_backend_pid() THEN statement_timestamp() END AS at,
       CASE WHEN a.pid = pg_backend_pid()
            THEN date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 END AS server_ms
FROM pg_stat_activity a
WHERE a.backend_type = 'client backend'
   OR (a.backend_type IS NULL AND a.usename IS NOT NULL AND a.datname IS NOT NULL)
GROUP BY a.datname, a.usename, a.application_name, client, a.state, a.wait_event_type, a.wait_event, is_own
ORDER BY is_own

-- Every session, with its ages in seconds, its wait and its blockers.
-- $1: characters of the query's text that are wanted. $2: whether idle sessions' texts are wanted too.
-- The console's own session comes last and carries what the statement cost the server (volatile expressions are
-- evaluated after the sort). pg_blocking_pids() takes the lock manager's locks for a moment: asked for waiters only.
-- From PostgreSQL 14 on pg_locks knows since when a lock is waited for; it is read only if somebody waits.
WITH waits AS MATERIALIZED (
    SELECT pid, min(waitstart) AS since FROM pg_locks WHERE NOT granted GROUP BY pid
)
SELECT a.pid,
       a.backend_start,
       a.datname,
       a.usename,
       a.application_name,
       CASE WHEN a.client_addr IS NOT NULL THEN host(a.client_addr)
            WHEN a.client_port = -1 THEN 'local' END AS client,
       a.backend_type,
       a.state,
       a.wait_event_type,
       a.wait_event,
       date_part('epoch', statement_timestamp() - a.backend_start) AS connection_age,
       date_part('epoch', statement_timestamp() - a.xact_start) AS transaction_age,
       date_part('epoch', statement_timestamp() - a.query_start) AS query_age,
       date_part('epoch', statement_timestamp() - a.state_change) AS state_age,
       CASE WHEN a.wait_event_type = 'Lock'
            THEN date_part('epoch', statement_timestamp() - coalesce(
                (SELECT w.since FROM waits w WHERE w.pid = a.pid), a.query_start)) END AS wait_age,
       CASE WHEN a.wait_event_type = 'Lock' THEN pg_blocking_pids(a.pid)::text[] END AS blocked_by,
       CASE WHEN $2 OR a.state IS DISTINCT FROM 'idle' THEN left(a.query, $1::int) END AS query,
       CASE WHEN a.pid = pg_backend_pid() THEN statement_timestamp() END AS at,
       CASE WHEN a.pid = pg_backend_pid()
            THEN date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 END AS server_ms
FROM pg_stat_activity a
ORDER BY a.pid = pg_backend_pid()

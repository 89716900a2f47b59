-- The sessions, with their ages in seconds, their waits and their blockers.
-- $1: characters of the query's text that are wanted. $2: whether idle clients are wanted, of which there may be
-- hundreds; without it only those come that somebody waits for, and the others are counted.
-- The console's own session comes last and carries that count, the server's time, and what the statement cost
-- (volatile expressions are evaluated after the sort). pg_blocking_pids() takes the lock manager's locks for a
-- moment: asked for waiters only.
-- From PostgreSQL 14 on pg_locks knows since when a lock is waited for; it is read only if somebody waits.
WITH a AS MATERIALIZED (
    SELECT * FROM pg_stat_activity
), waits AS MATERIALIZED (
    SELECT pid, min(waitstart) AS since FROM pg_locks WHERE NOT granted GROUP BY pid
), waiting AS MATERIALIZED (
    SELECT a.pid, pg_blocking_pids(a.pid)::text[] AS blocked_by
    FROM a
    WHERE a.wait_event_type = 'Lock'
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
                (SELECT s.since FROM waits s WHERE s.pid = a.pid), a.query_start)) END AS wait_age,
       w.blocked_by,
       left(a.query, $1::int) AS query,
       CASE WHEN a.pid = pg_backend_pid() AND NOT $2::bool
            THEN (SELECT count(*)::int
                  FROM a AS i
                  WHERE i.state = 'idle'
                    AND i.backend_type = 'client backend'
                    AND i.pid::text NOT IN (SELECT unnest(blocked_by) FROM waiting)) END AS idle_left_out,
       CASE WHEN a.pid = pg_backend_pid() THEN statement_timestamp() END AS at,
       CASE WHEN a.pid = pg_backend_pid()
            THEN date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 END AS server_ms
FROM a
LEFT JOIN waiting w ON w.pid = a.pid
WHERE $2::bool
   OR a.state IS DISTINCT FROM 'idle'
   OR a.backend_type IS DISTINCT FROM 'client backend'
   OR a.pid::text IN (SELECT unnest(blocked_by) FROM waiting)
ORDER BY a.pid = pg_backend_pid()

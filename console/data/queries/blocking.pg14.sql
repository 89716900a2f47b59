-- Who waits for whom; asked only while somebody waits for a lock. Ages in seconds.
-- From PostgreSQL 14 on pg_locks knows since when a lock is waited for.
SELECT a.pid,
       pg_blocking_pids(a.pid)::text[] AS blocked_by,
       date_part('epoch', statement_timestamp() - coalesce(w.since, a.query_start)) AS wait_age,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM pg_stat_activity a
LEFT JOIN (SELECT pid, min(waitstart) AS since FROM pg_locks WHERE NOT granted GROUP BY pid) w ON w.pid = a.pid
WHERE a.wait_event_type = 'Lock'

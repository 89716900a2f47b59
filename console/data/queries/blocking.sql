-- Who waits for whom; asked only while somebody waits for a lock. Ages in seconds.
SELECT a.pid,
       pg_blocking_pids(a.pid)::text[] AS blocked_by,
       date_part('epoch', statement_timestamp() - a.query_start) AS wait_age,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM pg_stat_activity a
WHERE a.wait_event_type = 'Lock'

-- Ends a session, if it still is the one that was meant. $1: pid, $2: its start.
SELECT pg_terminate_backend(a.pid) AS done
FROM pg_stat_activity a
WHERE a.pid = $1::int AND a.backend_start = $2::timestamptz

-- Cancels what a session is doing now, if it still is the session that was meant. $1: pid, $2: its start.
SELECT pg_cancel_backend(a.pid) AS done
FROM pg_stat_activity a
WHERE a.pid = $1::int AND a.backend_start = $2::timestamptz

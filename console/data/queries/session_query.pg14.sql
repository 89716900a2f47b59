-- The whole text of one session's query, and its identifier. $1: pid, $2: start of the session.
SELECT a.query, a.query_id
FROM pg_stat_activity a
WHERE a.pid = $1::int AND a.backend_start = $2::timestamptz

-- The text of one session's query, as much as the server keeps of it, whether it ends in the middle (it is cut between
-- two characters), and its identifier. $1: pid, $2: start of the session.
SELECT a.query, a.query_id,
       octet_length(a.query) >= pg_size_bytes(current_setting('track_activity_query_size')) - 4 AS is_cut
FROM pg_stat_activity a
WHERE a.pid = $1::int AND a.backend_start = $2::timestamptz

-- Who holds the lock that a session waits for, $1 its pid; those first who do not wait themselves. A relation's name is
-- looked up in this database only; elsewhere its number is all that there is.
SELECT CASE WHEN d.datname = current_database() THEN l.relation::regclass::text END AS object,
       l.relation::bigint AS relation,
       b.pid,
       a.application_name,
       a.state
FROM pg_locks l
CROSS JOIN unnest(pg_blocking_pids(l.pid)) WITH ORDINALITY AS b (pid, place)
LEFT JOIN pg_database d ON d.oid = l.database
LEFT JOIN pg_stat_activity a ON a.pid = b.pid
WHERE l.pid = $1::int AND NOT l.granted
ORDER BY (a.wait_event_type = 'Lock') IS TRUE, b.place

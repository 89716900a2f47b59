-- What the active sessions run and wait for, in groups that do the same; most sessions first. What goes beyond 300
-- groups is counted by wait event alone, so that the sums stay right: those rows have no text.
-- Clients and their parallel workers, but no session of a console. $1: characters of a query's text that are wanted.
-- The last row carries how many sessions are hidden from the role, the server's time, and what the statement cost
-- (the parts of a UNION ALL are evaluated in their order).
WITH a AS MATERIALIZED (
    SELECT *
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid()
      AND (application_name ~ '^dbconsole( \(|$)') IS NOT TRUE
), groups AS MATERIALIZED (
    SELECT NULL::bigint AS query_id,
           left(a.query, $1::int) AS query,
           a.wait_event_type,
           a.wait_event,
           a.datname,
           a.usename,
           a.application_name,
           count(*)::int AS sessions,
           row_number() OVER (ORDER BY count(*) DESC) AS place
    FROM a
    WHERE a.state = 'active'
      AND a.backend_type IN ('client backend', 'parallel worker')
    GROUP BY left(a.query, $1::int), a.wait_event_type, a.wait_event, a.datname, a.usename, a.application_name
)
SELECT g.query_id,
       g.query,
       g.wait_event_type,
       g.wait_event,
       g.datname,
       g.usename,
       g.application_name,
       g.sessions,
       NULL::int AS hidden_sessions,
       NULL::timestamptz AS at,
       NULL::float8 AS server_ms
FROM groups g
WHERE g.place <= 300
UNION ALL
SELECT NULL, NULL, g.wait_event_type, g.wait_event, NULL, NULL, NULL, sum(g.sessions)::int, NULL, NULL, NULL
FROM groups g
WHERE g.place > 300
GROUP BY g.wait_event_type, g.wait_event
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       (SELECT count(*)::int
        FROM a
        WHERE a.backend_type IS NULL AND a.usename IS NOT NULL AND a.datname IS NOT NULL),
       statement_timestamp(),
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000

-- One statement with its whole text, for each user and database that has it, this database first. $1: its identifier.
SELECT s.userid AS user_id,
       s.dbid AS database_id,
       pg_get_userbyid(s.userid) AS "user",
       d.datname AS database,
       max(s.query) AS text,
       sum(s.calls)::int8 AS calls,
       sum(s.rows)::int8 AS rows,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM :"schema".pg_stat_statements(true) AS s
LEFT JOIN pg_database d ON d.oid = s.dbid
WHERE s.queryid = $1::int8
GROUP BY s.userid, s.dbid, d.datname
ORDER BY d.datname = current_database() DESC NULLS LAST, calls DESC

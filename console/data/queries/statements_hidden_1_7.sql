-- What statements of others have cost that this role may not see, in all of one user in one database.
SELECT s.userid AS user_id,
       s.dbid AS database_id,
       pg_get_userbyid(s.userid) AS "user",
       d.datname AS database,
       count(*)::int AS statements,
       sum(s.calls)::int8 AS calls,
       sum(s.total_time) / 1000 AS total,
       sum(s.rows)::int8 AS rows,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM :"schema".pg_stat_statements(false) AS s
LEFT JOIN pg_database d ON d.oid = s.dbid
WHERE s.queryid IS NULL
GROUP BY s.userid, s.dbid, d.datname

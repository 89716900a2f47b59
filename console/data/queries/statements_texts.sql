-- The beginnings of statements' texts. $1: their identifiers, $2: characters.
-- Dear: the server reads the whole file of texts, however few are wanted.
SELECT s.queryid AS query_id,
       s.userid AS user_id,
       s.dbid AS database_id,
       left(s.query, $2::int) AS text,
       s.query LIKE '%/* dbconsole */' AS is_own,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM :"schema".pg_stat_statements(true) AS s
WHERE s.queryid = ANY ($1::text[]::int8[])

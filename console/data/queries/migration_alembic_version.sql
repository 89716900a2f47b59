-- What Alembic's version table names.
SELECT version_num::text AS version,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM :"schema".:"table"
ORDER BY 1

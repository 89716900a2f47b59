-- What golang-migrate's version table names: at most one version, which is dirty while it runs and after it failed.
SELECT version,
       dirty,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM :"schema".:"table"

-- Sessions that ended because the client vanished or because of a fatal error, since the statistics were reset.
SELECT sum(sessions_abandoned + sessions_fatal)::bigint AS failed,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM pg_stat_database

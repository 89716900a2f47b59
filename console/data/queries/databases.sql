-- What each database has done since its statistics were reset; templates that nobody uses are left out.
SELECT d.datname,
       d.xact_commit AS commits,
       d.xact_rollback AS rollbacks,
       d.blks_hit AS blocks_hit,
       d.blks_read AS blocks_read,
       d.tup_returned AS tuples_returned,
       d.tup_fetched AS tuples_fetched,
       d.tup_inserted + d.tup_updated + d.tup_deleted AS tuples_written,
       d.temp_files,
       d.temp_bytes,
       d.deadlocks,
       d.conflicts,
       statement_timestamp() AS at,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM pg_stat_database d
JOIN pg_database b ON b.oid = d.datid
WHERE b.datallowconn
  AND NOT (b.datistemplate AND d.numbackends = 0)
ORDER BY d.datname

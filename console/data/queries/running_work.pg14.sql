-- What one session ($1: its pid) does: whether it waits for a lock, and what the server says of its progress.
-- From PostgreSQL 14 on it says that of COPY too.
WITH work AS (
    SELECT pid, relid, command, phase,
           CASE WHEN lockers_total > 0 THEN lockers_done WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END AS done,
           CASE WHEN lockers_total > 0 THEN lockers_total WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END AS total
    FROM pg_stat_progress_create_index
    UNION ALL
    SELECT pid, relid, 'VACUUM', phase, heap_blks_scanned, heap_blks_total FROM pg_stat_progress_vacuum
    UNION ALL
    SELECT pid, relid, command, phase, heap_blks_scanned, heap_blks_total FROM pg_stat_progress_cluster
    UNION ALL
    SELECT pid, relid, command, 'copying', bytes_processed, bytes_total FROM pg_stat_progress_copy
    UNION ALL
    SELECT pid, relid, 'ANALYZE', phase, sample_blks_scanned, sample_blks_total FROM pg_stat_progress_analyze
)
SELECT a.wait_event_type = 'Lock' AS waits,
       w.command,
       w.phase,
       w.relid::regclass::text AS relation,
       CASE WHEN w.total > 0 THEN least(100, 100.0 * w.done / w.total)::float8 END AS percent,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM pg_stat_activity a
LEFT JOIN work w ON w.pid = a.pid
WHERE a.pid = $1::int

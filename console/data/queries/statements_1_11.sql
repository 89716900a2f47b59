-- What statements have cost, by pg_stat_statements 1.11 (with the moment each entry began). Times are in seconds.
-- Only what the caller does not know yet. $1: the states of the entries that it knows, a state being a hash of an
-- entry's key and of how often it was called. A row has an entry that is new or has been called since, or, in `gone`,
-- a state that no entry is in any more. There is always a row. FULL JOIN has no other plan than by hash or by merge.
SELECT statement_timestamp() AS at,
       head.reset_at,
       head.evictions,
       current_setting('track_io_timing') = 'on' AS tracks_io,
       coalesce(current_setting('pg_stat_statements.track_planning', true), 'off') = 'on' AS tracks_planning,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms,
       pg_get_userbyid(changed.user_id) AS "user",
       d.datname AS database,
       changed.*
FROM (SELECT i.stats_reset AS reset_at, i.dealloc AS evictions
        FROM :"schema".pg_stat_statements_info i) AS head
LEFT JOIN (
    SELECT known.state AS gone, entry.*
    FROM unnest($1::text[]::int8[]) AS known (state)
    FULL JOIN (
      SELECT hashint8extended(s.queryid, s.calls + s.plans)
                 # hashint8extended((s.userid::int8 << 32) | s.dbid::int8, s.toplevel::int) AS state,
             s.queryid AS query_id,
             s.userid AS user_id,
             s.dbid AS database_id,
             s.toplevel AS is_toplevel,
             s.stats_since AS since,
             s.calls AS calls,
             s.total_exec_time / 1000 AS total,
             s.min_exec_time / 1000 AS least,
             s.max_exec_time / 1000 AS most,
             s.mean_exec_time / 1000 AS mean,
             s.stddev_exec_time / 1000 AS deviation,
             s.rows AS rows,
             s.plans AS plans,
             s.total_plan_time / 1000 AS planning,
             s.shared_blks_hit AS shared_hit,
             s.shared_blks_read AS shared_read,
             s.shared_blks_dirtied AS shared_dirtied,
             s.shared_blks_written AS shared_written,
             s.local_blks_hit AS local_hit,
             s.local_blks_read AS local_read,
             s.local_blks_dirtied AS local_dirtied,
             s.local_blks_written AS local_written,
             s.temp_blks_read AS temp_read,
             s.temp_blks_written AS temp_written,
             (s.shared_blk_read_time + s.local_blk_read_time) / 1000 AS read_time,
             (s.shared_blk_write_time + s.local_blk_write_time) / 1000 AS write_time,
             s.temp_blk_read_time / 1000 AS temp_read_time,
             s.temp_blk_write_time / 1000 AS temp_write_time,
             s.wal_records AS wal_records,
             s.wal_fpi AS wal_full_pages,
             s.wal_bytes::int8 AS wal_bytes,
             s.jit_functions AS jit_functions,
             (s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time + s.jit_emission_time) / 1000 AS jit_time,
             NULL::int8 AS workers_planned,
             NULL::int8 AS workers_launched
      FROM :"schema".pg_stat_statements(false) AS s
      WHERE s.queryid IS NOT NULL
    ) AS entry ON entry.state = known.state
    WHERE known.state IS NULL OR entry.state IS NULL
) AS changed ON true
LEFT JOIN pg_database d ON d.oid = changed.database_id

-- As whom a statement is to be planned, $1 being who ran it, and the settings that this role would have in this database
-- and that a plan depends on: of what was set for it, the most specific wins. What the console's own role was given, and
-- this one was not, is as it would be without.
WITH asked AS (
    SELECT r.oid
    FROM (SELECT $1::name AS name) AS who
    LEFT JOIN pg_roles r ON r.rolname = who.name
), given AS (
    SELECT DISTINCT ON (lower(split_part(c.setting, '=', 1)))
           lower(split_part(c.setting, '=', 1)) AS name,
           substr(c.setting, strpos(c.setting, '=') + 1) AS value
    FROM pg_db_role_setting s
    CROSS JOIN unnest(s.setconfig) AS c (setting)
    WHERE s.setrole IN (0, (SELECT oid FROM asked))
      AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY 1, s.setrole = 0, s.setdatabase = 0
), wanted AS (
    SELECT s.name, coalesce(g.value, s.boot_val) AS value
    FROM pg_settings s
    LEFT JOIN given g ON g.name = lower(s.name)
    WHERE s.context = 'user'
      AND (s.category LIKE 'Query Tuning%'
           OR s.name IN ('search_path', 'work_mem', 'hash_mem_multiplier', 'DateStyle', 'IntervalStyle', 'TimeZone'))
      AND (g.name IS NOT NULL OR s.source IN ('user', 'database user'))
)
SELECT asked.oid IS NOT NULL AS is_there,
       asked.oid IS NOT NULL AND pg_has_role(asked.oid, 'MEMBER') AS may_take,
       -- Nobody is to be told to take on what can give itself more, or write to the server's files: a superuser first of all.
       EXISTS (SELECT FROM pg_roles p
               WHERE (p.rolsuper OR p.rolcreaterole OR p.rolcreatedb OR p.rolreplication OR p.rolbypassrls
                      OR (p.rolname LIKE 'pg\_%'
                          AND p.rolname NOT IN ('pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats',
                                                'pg_stat_scan_tables', 'pg_read_all_data', 'pg_signal_backend', 'pg_database_owner')))
                 AND pg_has_role(asked.oid, p.oid, 'MEMBER')) AS is_powerful,
       current_user::text AS own_role,
       pg_backend_pid() AS pid,
       EXISTS (SELECT FROM pg_language l
               WHERE l.lanname = 'plpgsql' AND has_language_privilege(coalesce(asked.oid, current_user::regrole::oid), l.oid, 'USAGE')
                 AND has_language_privilege(l.oid, 'USAGE')) AS has_plpgsql,
       (SELECT s.setting::int FROM pg_settings s WHERE s.name = 'track_activity_query_size') AS kept_text,
       ARRAY(SELECT name FROM wanted ORDER BY name) AS names,
       ARRAY(SELECT value FROM wanted ORDER BY name) AS "values"
FROM asked

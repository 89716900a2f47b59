-- The roles of the cluster with what they belong to, how often they are connected now, what is set for them. Works as
-- any role: who may not know the others' backend_type sees their background workers counted too.
-- A moment that Python's calendar does not reach is never, or long ago.
WITH busy AS (
    SELECT usesysid AS oid, count(*)::int AS connections
    FROM pg_stat_activity
    WHERE usesysid IS NOT NULL AND (backend_type IS NULL OR backend_type IN ('client backend', 'walsender'))
    GROUP BY usesysid
)
SELECT r.rolname::text AS name,
       r.oid = 10 AS is_bootstrap,
       r.rolcanlogin AS can_login,
       r.rolsuper AS is_superuser,
       r.rolcreaterole AS creates_roles,
       r.rolcreatedb AS creates_databases,
       r.rolreplication AS replicates,
       r.rolbypassrls AS bypasses_row_security,
       r.rolinherit AS inherits,
       nullif(r.rolconnlimit, -1) AS connection_limit,
       CASE WHEN r.rolvaliduntil < '9999-01-01 00:00+00'
            THEN greatest(r.rolvaliduntil, '0001-01-02 00:00+00') END AS valid_until,
       coalesce(b.connections, 0) AS connections,
       (SELECT json_agg(json_build_array(g.rolname, m.admin_option, r.rolinherit, true) ORDER BY g.rolname)
        FROM pg_auth_members m
        JOIN pg_roles g ON g.oid = m.roleid
        WHERE m.member = r.oid) AS memberships,
       ARRAY(SELECT DISTINCT i.rolname::text
             FROM pg_auth_members m
             JOIN pg_roles i ON i.oid = m.member
             WHERE m.roleid = r.oid
             ORDER BY 1) AS members,
       ARRAY(SELECT coalesce(d.datname || ': ', '') || c.setting
             FROM pg_db_role_setting s
             LEFT JOIN pg_database d ON d.oid = s.setdatabase
             CROSS JOIN unnest(s.setconfig) AS c (setting)
             WHERE s.setrole = r.oid
             ORDER BY d.datname NULLS FIRST, c.setting) AS settings,
       shobj_description(r.oid, 'pg_authid') AS comment,
       statement_timestamp() AS at,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM pg_roles r
LEFT JOIN busy b ON b.oid = r.oid
ORDER BY r.rolname

-- The roles of the cluster with what they belong to, how often they are connected now, what is set for them. Works as
-- any role: who may not know the others' backend_type sees their background workers counted too.
-- A moment that Python's calendar does not reach is never, or long ago.
WITH busy AS (
    SELECT usesysid AS oid, count(*)::int AS connections
    FROM pg_stat_activity
    WHERE usesysid IS NOT NULL AND (backend_type IS NULL OR backend_type IN ('client backend', 'walsender'))
    GROUP BY usesysid
), membership AS (
    SELECT m.member, m.roleid, m.admin_option AS is_admin, i.rolinherit AS inherits, true AS can_set
    FROM pg_auth_members m
    JOIN pg_roles i ON i.oid = m.member
), joined AS (
    SELECT member AS oid,
           json_agg(json_build_array(pg_get_userbyid(roleid), is_admin, inherits, can_set)
                    ORDER BY pg_get_userbyid(roleid)) AS memberships
    FROM membership
    GROUP BY member
), peopled AS (
    SELECT roleid AS oid, array_agg(pg_get_userbyid(member)::text ORDER BY pg_get_userbyid(member)) AS members
    FROM membership
    GROUP BY roleid
), configured AS (
    SELECT s.setrole AS oid,
           array_agg(coalesce(d.datname || ': ', '') || c.setting ORDER BY d.datname NULLS FIRST, c.setting) AS settings
    FROM pg_db_role_setting s
    LEFT JOIN pg_database d ON d.oid = s.setdatabase
    CROSS JOIN unnest(s.setconfig) AS c (setting)
    GROUP BY s.setrole
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
       g.memberships,
       coalesce(i.members, '{}') AS members,
       coalesce(c.settings, '{}') AS settings,
       shobj_description(r.oid, 'pg_authid') AS comment,
       statement_timestamp() AS at,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM pg_roles r
LEFT JOIN busy b ON b.oid = r.oid
LEFT JOIN joined g ON g.oid = r.oid
LEFT JOIN peopled i ON i.oid = r.oid
LEFT JOIN configured c ON c.oid = r.oid
ORDER BY r.rolname

-- How things stand with the role $1, which need not be there, and what the console's own role may do with it and with
-- this database.
SELECT r.oid IS NOT NULL AS is_there,
       r.oid = 10 AS is_bootstrap,
       coalesce(r.rolsuper, false) AS is_superuser,
       coalesce(r.rolcanlogin, false) AS can_login,
       r.rolconnlimit AS connection_limit,
       CASE WHEN r.rolvaliduntil < '9999-01-01 00:00+00'
            THEN greatest(r.rolvaliduntil, '0001-01-02 00:00+00') END AS valid_until,
       coalesce(r.rolvaliduntil <= now(), false) AS has_ended,
       (SELECT count(*)::int FROM pg_stat_activity a WHERE a.usesysid = r.oid) AS connections,
       ARRAY(SELECT DISTINCT i.rolname::text
             FROM pg_auth_members m
             JOIN pg_roles i ON i.oid = m.member
             WHERE m.roleid = r.oid
             ORDER BY 1) AS members,
       ARRAY(SELECT g.rolname::text
             FROM pg_auth_members m
             JOIN pg_roles g ON g.oid = m.roleid
             WHERE m.member = r.oid
             ORDER BY g.rolname, m.grantor) AS groups,
       ARRAY(SELECT pg_get_userbyid(m.grantor)::text
             FROM pg_auth_members m
             JOIN pg_roles g ON g.oid = m.roleid
             WHERE m.member = r.oid
             ORDER BY g.rolname, m.grantor) AS grantors,
       coalesce(pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION'), false) AS has_admin,
       coalesce(pg_has_role(r.oid, 'USAGE'), false) AS has_usage,
       o.rolname::text AS own_role,
       o.rolsuper AS own_is_superuser,
       o.rolcreaterole AS own_creates_roles,
       d.datname::text AS database,
       pg_get_userbyid(d.datdba)::text AS database_owner,
       has_database_privilege(d.oid, 'CONNECT WITH GRANT OPTION') AS may_grant_connect,
       has_database_privilege(d.oid, 'CREATE WITH GRANT OPTION') AS may_grant_create,
       coalesce(current_setting('scram_iterations', true)::int, 4096) AS scram_iterations
FROM pg_roles o
JOIN pg_database d ON d.datname = current_database()
LEFT JOIN pg_roles r ON r.rolname = $1::text
WHERE o.rolname = current_user

-- The role $1 and all that it belongs to, directly or not, with whether it has their privileges without SET ROLE.
-- The owner of a database belongs to pg_database_owner there (from PostgreSQL 14 on).
WITH RECURSIVE held AS (
    SELECT r.oid, r.rolname, r.rolsuper, r.rolinherit, true AS inherits
    FROM pg_roles r
    WHERE r.rolname = $1::text
    UNION
    SELECT g.oid, g.rolname, g.rolsuper, g.rolinherit, h.inherits AND h.rolinherit
    FROM held h
    JOIN pg_auth_members m ON m.member = h.oid
    JOIN pg_roles g ON g.oid = m.roleid
), with_owner AS (
    SELECT oid, rolname, rolsuper, inherits FROM held
    UNION ALL
    SELECT o.oid, o.rolname, false, h.inherits
    FROM held h
    JOIN pg_database d ON d.datname = current_database() AND d.datdba = h.oid
    JOIN pg_roles o ON o.rolname = 'pg_database_owner'
)
SELECT oid, rolname::text AS name, rolsuper AS is_superuser, bool_or(inherits) AS inherits
FROM with_owner
GROUP BY oid, rolname, rolsuper
ORDER BY rolname <> $1::text, rolname

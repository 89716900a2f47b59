-- What the roles $1 (0 is PUBLIC) own and were granted in this database, object by object, $2 rows at most; how many
-- there are stands in each. Functions that nobody ever granted anything on are counted: there may be thousands.
WITH space AS (
    SELECT oid, nspname, nspowner, nspacl
    FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), object AS (
    SELECT 1 AS place, 'database' AS kind, NULL::name AS schema, d.datname::text AS name, d.datdba AS owner,
           coalesce(d.datacl, acldefault('d', d.datdba)) AS acl
    FROM pg_database d
    WHERE d.datname = current_database()
    UNION ALL
    SELECT 2, 'schema', s.nspname, s.nspname, s.nspowner, coalesce(s.nspacl, acldefault('n', s.nspowner))
    FROM space s
    UNION ALL
    SELECT 3,
           'default for new ' || CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
               WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
           s.nspname, 'made by ' || quote_ident(pg_get_userbyid(a.defaclrole)), NULL, a.defaclacl
    FROM pg_default_acl a
    LEFT JOIN space s ON s.oid = a.defaclnamespace
    UNION ALL
    SELECT 4,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
               WHEN 'S' THEN 'sequence' ELSE 'table' END,
           s.nspname, c.relname, c.relowner,
           coalesce(c.relacl, acldefault(CAST(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS "char"), c.relowner))
    FROM pg_class c
    JOIN space s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 5, 'column', s.nspname, c.relname || '.' || a.attname, NULL, a.attacl
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN space s ON s.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 6, 'function', s.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.proowner,
           p.proacl
    FROM pg_proc p
    JOIN space s ON s.oid = p.pronamespace
    WHERE p.proacl IS NOT NULL
    UNION ALL
    SELECT 7, 'functions', s.nspname, count(*) || ' of ' || quote_ident(pg_get_userbyid(p.proowner)), p.proowner,
           acldefault('f', p.proowner)
    FROM pg_proc p
    JOIN space s ON s.oid = p.pronamespace
    WHERE p.proacl IS NULL
    GROUP BY s.nspname, p.proowner
), held AS (
    SELECT o.place, o.kind, o.schema, o.name, o.owner, e.grantee, e.privilege_type, bool_or(e.is_grantable) AS may_pass_on
    FROM object o
    CROSS JOIN aclexplode(o.acl) AS e
    WHERE e.grantee = ANY ($1::oid[])
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    UNION ALL
    SELECT o.place, o.kind, o.schema, o.name, o.owner, o.owner, NULL, NULL
    FROM object o
    WHERE o.owner = ANY ($1::oid[])
)
SELECT kind,
       schema::text AS schema,
       name::text AS name,
       grantee,
       coalesce(array_agg(privilege_type || CASE WHEN may_pass_on THEN '*' ELSE '' END)
                FILTER (WHERE privilege_type IS NOT NULL), '{}') AS privileges,
       grantee IS NOT DISTINCT FROM owner AS is_owner,
       count(*) OVER () AS total
FROM held
GROUP BY place, kind, schema, name, owner, grantee
ORDER BY place, schema NULLS FIRST, name, grantee = 0, grantee
LIMIT $2::int

-- The schemas $1 as far as a new role is to be given something in them: what may be granted there, and who makes tables
-- there (the owners of those that are there and of the schema itself), with whether the console's role acts for each.
SELECT s.name,
       n.oid IS NOT NULL AS is_there,
       pg_get_userbyid(n.nspowner)::text AS owner,
       coalesce(has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION'), false) AS may_grant_usage,
       coalesce(has_schema_privilege(n.oid, 'CREATE WITH GRANT OPTION'), false) AS may_grant_create,
       t.tables,
       t.withheld,
       t.withheld_owners,
       ARRAY(SELECT m.rolname::text FROM pg_roles m WHERE m.oid = ANY (t.makers) ORDER BY m.rolname) AS makers,
       ARRAY(SELECT m.rolname::text FROM pg_roles m
             WHERE m.oid = ANY (t.makers) AND NOT pg_has_role(m.oid, 'USAGE')
             ORDER BY m.rolname) AS foreign_makers
FROM unnest($1::text[]) WITH ORDINALITY AS s (name, place)
LEFT JOIN pg_namespace n ON n.nspname = s.name
CROSS JOIN LATERAL (
    SELECT count(o.oid)::int AS tables,
           count(o.oid) FILTER (WHERE o.is_withheld)::int AS withheld,
           array_agg(DISTINCT pg_get_userbyid(o.owner)::text) FILTER (WHERE o.is_withheld) AS withheld_owners,
           array_agg(DISTINCT o.owner)
               || CASE WHEN pg_get_userbyid(n.nspowner) = 'pg_database_owner'
                       THEN (SELECT datdba FROM pg_database WHERE datname = current_database())
                       ELSE n.nspowner END AS makers
    FROM (SELECT c.oid, c.relowner AS owner, NOT has_table_privilege(c.oid, 'SELECT WITH GRANT OPTION') AS is_withheld
          FROM pg_class c
          WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) AS o
) AS t
ORDER BY s.place

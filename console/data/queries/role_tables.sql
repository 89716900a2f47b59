-- The tables $2 of the schemas $1 as far as a new role is to work with them, each with the sequences that its columns
-- take their values from (those of identity columns need no privilege).
SELECT t.schema,
       t.name,
       c.oid IS NOT NULL AS is_there,
       pg_get_userbyid(c.relowner)::text AS owner,
       coalesce(has_table_privilege(c.oid, 'SELECT WITH GRANT OPTION')
                AND has_table_privilege(c.oid, 'INSERT WITH GRANT OPTION')
                AND has_table_privilege(c.oid, 'UPDATE WITH GRANT OPTION')
                AND has_table_privilege(c.oid, 'DELETE WITH GRANT OPTION'), false) AS may_grant,
       q.schemas AS sequence_schemas,
       q.names AS sequence_names,
       q.withheld AS withheld_sequences
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (schema, name, place)
LEFT JOIN pg_namespace n ON n.nspname = t.schema
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(s.schema ORDER BY s.schema, s.name), '{}') AS schemas,
           coalesce(array_agg(s.name ORDER BY s.schema, s.name), '{}') AS names,
           coalesce(array_agg(s.name ORDER BY s.schema, s.name) FILTER (WHERE s.is_withheld), '{}') AS withheld
    FROM (SELECT DISTINCT sn.nspname::text AS schema, sc.relname::text AS name,
                 NOT has_sequence_privilege(sc.oid, 'USAGE WITH GRANT OPTION') AS is_withheld
          FROM pg_attrdef a
          JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid
                          AND d.refclassid = 'pg_class'::regclass
          JOIN pg_class sc ON sc.oid = d.refobjid AND sc.relkind = 'S'
          JOIN pg_namespace sn ON sn.oid = sc.relnamespace
          WHERE a.adrelid = c.oid) AS s
) AS q
ORDER BY t.place

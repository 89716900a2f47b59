-- The tables of a plan, for indexes on them: $1 their schemas, $2 their names. A partition belongs to the table at the top.
-- The types of columns are without their length.
SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       c.relpages AS pages,
       coalesce(rn.nspname, n.nspname)::text AS root_schema,
       coalesce(r.relname, c.relname)::text AS root_name,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
       ARRAY(SELECT format_type(a.atttypid, NULL) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS types
FROM unnest($1::text[], $2::text[]) AS asked (schema, name)
JOIN pg_namespace n ON n.nspname = asked.schema::name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name::name
LEFT JOIN pg_class r ON c.relispartition AND r.oid = pg_partition_root(c.oid)
LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE c.relkind IN ('r', 'm')
ORDER BY 1, 2

-- The whole trees of partitioned tables, $1 the schemas of those at the top, $2 their names, from the top down. Partitions of
-- every level are in them, those that an index is kept on and those that only hold others together.
SELECT rn.nspname::text AS root_schema,
       r.relname::text AS root_name,
       n.nspname::text AS schema,
       c.relname::text AS name,
       pn.nspname::text AS parent_schema,
       p.relname::text AS parent_name,
       t.isleaf AS is_leaf
FROM unnest($1::text[], $2::text[]) AS asked (schema, name)
JOIN pg_namespace rn ON rn.nspname = asked.schema::name
JOIN pg_class r ON r.relnamespace = rn.oid AND r.relname = asked.name::name
CROSS JOIN LATERAL pg_partition_tree(r.oid) AS t
JOIN pg_class c ON c.oid = t.relid AND c.relkind IN ('r', 'p')
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class p ON p.oid = t.parentrelid
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE r.relkind = 'p'
ORDER BY 1, 2, t.level, 3, 4

-- The indexes that tables have, $1 the schemas of these, $2 their names: B-trees that queries may use, with their columns as
-- CREATE INDEX has them.
SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, place::int, false) FROM generate_series(1, i.indnkeyatts) AS place)
           AS columns,
       i.indpred IS NOT NULL AS is_partial
FROM unnest($1::text[], $2::text[]) AS asked (schema, name)
JOIN pg_namespace n ON n.nspname = asked.schema::name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name::name
JOIN pg_index i ON i.indrelid = c.oid AND i.indisvalid AND i.indisready
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
ORDER BY 1, 2, 3

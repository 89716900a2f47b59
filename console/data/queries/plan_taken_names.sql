-- Which of these names relations have already: $1 their schemas, $2 the names.
SELECT n.nspname::text AS schema,
       c.relname::text AS name
FROM unnest($1::text[], $2::text[]) AS asked (schema, name)
JOIN pg_namespace n ON n.nspname = asked.schema::name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name::name

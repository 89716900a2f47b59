-- Of the functions that a statement calls, those that may do something each time they are called. $1 their schemas (empty:
-- found on the search path), $2 their names.
SELECT DISTINCT n.nspname::text AS schema, p.proname::text AS name
FROM unnest($1::text[], $2::text[]) AS called (schema, name)
JOIN pg_proc p ON p.proname = called.name::name
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.provolatile = 'v'
  AND CASE WHEN called.schema = '' THEN pg_function_is_visible(p.oid) ELSE n.nspname = called.schema::name END
ORDER BY 1, 2

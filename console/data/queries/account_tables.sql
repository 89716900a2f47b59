-- The accounts tables of the platform, of an installation in public, and of a schema that the settings name ($1, or
-- NULL), each with its columns. Those in the schema that comes first are used.
SELECT n.nspname AS schema,
       c.relname AS name,
       array_agg(a.attname::text ORDER BY a.attnum) AS columns,
       c.reltuples AS estimate
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('arxos_core', 'public', $1::text)
  AND c.relname IN ('users', 'api_keys', 'sessions', 'projects', 'audit_logs')
  AND c.relkind IN ('r', 'p')
GROUP BY n.nspname, c.relname, c.reltuples
ORDER BY CASE n.nspname WHEN 'arxos_core' THEN 1 WHEN 'public' THEN 2 ELSE 3 END, c.relname

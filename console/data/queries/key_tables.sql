-- The tables of API keys, of the platform and of the installations that came before it.
SELECT n.nspname AS schema
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'key_hash' AND NOT a.attisdropped
 WHERE n.nspname IN ('arxos_core', 'public')
   AND c.relname = 'api_keys'
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
 ORDER BY n.nspname

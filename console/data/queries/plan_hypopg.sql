-- Whether indexes can be tried without making them in this database, and where its functions are.
SELECT (SELECT n.nspname::text
        FROM pg_extension e
        JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'hypopg') AS schema,
       (SELECT has_schema_privilege(e.extnamespace, 'USAGE') FROM pg_extension e WHERE e.extname = 'hypopg') AS may_use,
       EXISTS (SELECT FROM pg_available_extensions a WHERE a.name = 'hypopg') AS is_available

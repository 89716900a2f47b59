-- The columns of table $2 in schema $1: what a text is cast to for each, and what has a value of its own where none is given.
SELECT a.attname::text AS name,
       format('%I.%I', n.nspname, t.typname) AS type,
       t.typcategory = 'A' AS is_array,
       t.oid IN ('json'::regtype, 'jsonb'::regtype) AS is_json,
       a.attnotnull AND d.adbin IS NULL AND a.attidentity = '' AS is_required,
       -- Numbers that the server counts: one from elsewhere would be given out a second time.
       a.attidentity <> '' OR a.attgenerated <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
           AS is_own,
       CASE WHEN a.attnotnull AND a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS usual,
       has_column_privilege(a.attrelid, a.attnum, 'INSERT') AS may_insert
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = (SELECT c.oid FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
                    WHERE s.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p'))
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- The columns of table $2 in schema $1: what a text is cast to for each, what it takes, and what computes it.
SELECT a.attname::text AS name,
       format('%I.%I', n.nspname, t.typname) AS type,
       -- A length is its number and four bytes.
       CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4
            THEN a.atttypmod - 4 END AS most_characters,
       a.attnotnull AS is_required,
       a.attgenerated <> '' AS is_generated,
       a.attidentity = 'a' AS is_own_identity
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE a.attrelid = (SELECT c.oid FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
                    WHERE s.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p'))
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- The tables whose rows are changed by the server when rows of table $2 in schema $1 are deleted.
SELECT format('%I.%I', rs.nspname, r.relname) AS relation,
       c.confdeltype = 'c' AS is_deleted
FROM pg_constraint c
JOIN pg_class r ON r.oid = c.conrelid
JOIN pg_namespace rs ON rs.oid = r.relnamespace
JOIN pg_class t ON t.oid = c.confrelid
JOIN pg_namespace s ON s.oid = t.relnamespace
WHERE c.contype = 'f' AND c.confdeltype IN ('c', 'n', 'd') AND c.conparentid = 0
  AND s.nspname = $1::text AND t.relname = $2::text
ORDER BY 1

-- What falls when things are dropped. They are given as arrays of one length: $1 what each is, $2 its schema (empty: it
-- is found on the search path) and $3 its name, or those of the table that it belongs to, $4 the column, the constraint
-- or the trigger, $5 how many arguments a function has, $6 whether it says CASCADE.
-- to_regclass() and its like would fail at a schema that this role may not use.
-- Walks pg_depend as DROP does: what is part of something falls with it, what merely uses it under CASCADE only.
-- Parts of a table that falls (its indexes, its columns, its triggers) come only where they were named.
WITH RECURSIVE given AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bool[])
         WITH ORDINALITY AS g (what, schema, name, part, arguments, cascade, place)
), named AS (
    SELECT g.*,
           (SELECT c.oid
            FROM pg_class c
            JOIN pg_namespace s ON s.oid = c.relnamespace
            WHERE c.relname = g.name::name
              AND CASE WHEN g.schema = '' THEN pg_table_is_visible(c.oid)
                       ELSE s.nspname = g.schema::name END) AS relid
    FROM given g
), root AS (
    SELECT place, cascade, 'pg_class'::regclass::oid AS classid, relid AS objid, 0 AS objsubid
    FROM named WHERE what = 'relation' AND relid IS NOT NULL
    UNION ALL
    SELECT place, cascade, 'pg_class'::regclass, relid, a.attnum
    FROM named JOIN pg_attribute a ON a.attrelid = relid AND a.attname = part::name AND a.attnum > 0
    WHERE what = 'column'
    UNION ALL
    SELECT place, cascade, 'pg_constraint'::regclass, k.oid, 0
    FROM named JOIN pg_constraint k ON k.conrelid = relid AND k.conname = part::name
    WHERE what = 'constraint'
    UNION ALL
    SELECT place, cascade, 'pg_trigger'::regclass, t.oid, 0
    FROM named JOIN pg_trigger t ON t.tgrelid = relid AND t.tgname = part::name
    WHERE what = 'trigger'
    UNION ALL
    SELECT place, cascade, 'pg_namespace'::regclass, s.oid, 0
    FROM named g JOIN pg_namespace s ON s.nspname = g.name::name
    WHERE what = 'schema'
    UNION ALL
    SELECT place, cascade, 'pg_type'::regclass, t.oid, 0
    FROM named g JOIN pg_type t ON t.typname = g.name::name JOIN pg_namespace s ON s.oid = t.typnamespace
    WHERE what = 'type' AND CASE WHEN g.schema = '' THEN pg_type_is_visible(t.oid) ELSE s.nspname = g.schema::name END
    UNION ALL
    SELECT place, cascade, 'pg_proc'::regclass, p.oid, 0
    FROM named g JOIN pg_proc p ON p.proname = g.name::name JOIN pg_namespace s ON s.oid = p.pronamespace
    WHERE what = 'function'
      AND CASE WHEN g.schema = '' THEN pg_function_is_visible(p.oid) ELSE s.nspname = g.schema::name END
      AND (g.arguments IS NULL OR g.arguments IN (p.pronargs, cardinality(p.proallargtypes)))
    UNION ALL
    SELECT place, cascade, 'pg_extension'::regclass, e.oid, 0
    FROM named g JOIN pg_extension e ON e.extname = g.name::name
    WHERE what = 'extension'
), fallen AS (
    SELECT * FROM root
    UNION
    SELECT f.place, f.cascade, n.classid, n.objid, n.objsubid
    FROM fallen f
    CROSS JOIN LATERAL (
        SELECT d.classid, d.objid, d.objsubid
        FROM pg_depend d
        WHERE d.refclassid = f.classid
          AND d.refobjid = f.objid
          AND (f.objsubid = 0 OR d.refobjsubid = f.objsubid)
          AND (d.deptype IN ('a', 'i', 'P', 'S', 'e') OR d.deptype = 'n' AND f.cascade)
        UNION ALL
        SELECT d.refclassid, d.refobjid, d.refobjsubid
        FROM pg_depend d
        WHERE d.classid = f.classid AND d.objid = f.objid AND d.deptype = 'i' AND f.cascade
    ) n
), object AS (
    SELECT f.classid, f.objid, f.objsubid, min(f.place) AS place,
           EXISTS (SELECT 1
                   FROM root r
                   WHERE (r.classid, r.objid, r.objsubid) = (f.classid, f.objid, f.objsubid)) AS explicit
    FROM fallen f
    WHERE NOT EXISTS (SELECT 1
                      FROM pg_depend d
                      WHERE d.classid = f.classid AND d.objid = f.objid AND d.deptype = 'e')
    GROUP BY f.classid, f.objid, f.objsubid
), gone AS (
    SELECT objid AS relid FROM object WHERE classid = 'pg_class'::regclass AND objsubid = 0
), emptied AS (
    SELECT place, what, cascade, relid FROM named WHERE what IN ('all rows', 'some rows') AND relid IS NOT NULL
    UNION
    SELECT e.place, e.what, e.cascade, k.conrelid
    FROM emptied e JOIN pg_constraint k ON k.contype = 'f' AND k.confrelid = e.relid
    WHERE e.cascade
), relation AS (
    SELECT c.oid, c.relkind, c.relispartition, quote_ident(s.nspname) || '.' || quote_ident(c.relname) AS name
    FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
)
SELECT o.place,
       CASE WHEN r.relkind IN ('r', 'p', 'f') THEN 'table'
            WHEN r.relkind IN ('v', 'm') THEN 'view'
            WHEN r.relkind IN ('i', 'I') THEN 'index'
            ELSE 'sequence' END AS kind,
       r.name, r.oid AS relid, 0 AS attnum, NULL AS detail
FROM object o
JOIN relation r ON r.oid = o.objid
WHERE o.classid = 'pg_class'::regclass
  AND o.objsubid = 0
  AND CASE WHEN r.relkind IN ('i', 'I')
           THEN o.explicit OR NOT EXISTS (
                    SELECT 1 FROM pg_index i JOIN gone ON gone.relid = i.indrelid WHERE i.indexrelid = o.objid)
                AND NOT r.relispartition
           WHEN r.relkind = 'S'
           THEN o.explicit OR NOT EXISTS (
                    SELECT 1 FROM pg_depend d
                    WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype IN ('a', 'i'))
           WHEN r.relispartition
           THEN o.explicit OR NOT EXISTS (
                    SELECT 1 FROM pg_inherits i JOIN gone ON gone.relid = i.inhparent WHERE i.inhrelid = o.objid)
           ELSE r.relkind IN ('r', 'p', 'f', 'v', 'm') END
UNION ALL
SELECT o.place, 'column', r.name || '.' || quote_ident(a.attname), r.oid, a.attnum, NULL
FROM object o
JOIN relation r ON r.oid = o.objid AND r.relkind IN ('r', 'p', 'f')
JOIN pg_attribute a ON a.attrelid = o.objid AND a.attnum = o.objsubid
WHERE o.classid = 'pg_class'::regclass
  AND o.objsubid > 0
  AND (o.explicit OR o.objid NOT IN (SELECT relid FROM gone))
UNION ALL
SELECT o.place, CASE k.contype WHEN 'f' THEN 'foreign key' ELSE 'constraint' END,
       quote_ident(k.conname), NULL, 0, r.name
FROM object o
JOIN pg_constraint k ON k.oid = o.objid
JOIN relation r ON r.oid = k.conrelid
WHERE o.classid = 'pg_constraint'::regclass
  AND (o.explicit AND k.contype NOT IN ('p', 'u', 'x')
       OR k.contype = 'f' AND k.conparentid = 0 AND k.conrelid NOT IN (SELECT relid FROM gone))
UNION ALL
SELECT o.place, 'trigger', quote_ident(t.tgname), NULL, 0, r.name
FROM object o
JOIN pg_trigger t ON t.oid = o.objid
JOIN relation r ON r.oid = t.tgrelid
WHERE o.classid = 'pg_trigger'::regclass
  AND NOT t.tgisinternal
  AND (o.explicit OR t.tgrelid NOT IN (SELECT relid FROM gone))
UNION ALL
SELECT o.place, 'type', quote_ident(s.nspname) || '.' || quote_ident(t.typname), NULL, 0, NULL
FROM object o
JOIN pg_type t ON t.oid = o.objid
JOIN pg_namespace s ON s.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE o.classid = 'pg_type'::regclass
  AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'b' AND t.typelem = 0 OR c.relkind = 'c')
UNION ALL
SELECT o.place, 'function',
       quote_ident(s.nspname) || '.' || quote_ident(p.proname)
       || '(' || pg_get_function_identity_arguments(p.oid) || ')', NULL, 0, NULL
FROM object o
JOIN pg_proc p ON p.oid = o.objid
JOIN pg_namespace s ON s.oid = p.pronamespace
WHERE o.classid = 'pg_proc'::regclass
  AND (o.explicit OR NOT EXISTS (
          SELECT 1 FROM pg_depend d WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'i'))
UNION ALL
SELECT o.place, 'schema', quote_ident(s.nspname), NULL, 0, NULL
FROM object o JOIN pg_namespace s ON s.oid = o.objid
WHERE o.classid = 'pg_namespace'::regclass
UNION ALL
SELECT o.place, 'extension', quote_ident(e.extname), NULL, 0, NULL
FROM object o JOIN pg_extension e ON e.oid = o.objid
WHERE o.classid = 'pg_extension'::regclass
UNION ALL
SELECT min(e.place), e.what, r.name, r.oid, 0, NULL
FROM emptied e JOIN relation r ON r.oid = e.relid
GROUP BY e.what, r.name, r.oid
UNION ALL
SELECT g.place, g.what, r.name || '.' || quote_ident(a.attname), NULL, 0, format_type(a.atttypid, a.atttypmod)
FROM named g
JOIN relation r ON r.oid = g.relid
JOIN pg_attribute a ON a.attrelid = g.relid AND a.attname = g.part::name AND a.attnum > 0
WHERE g.what = 'old type'
ORDER BY 1, 2, 3

-- What hangs on the role $1: what it owns, by kind, and how many objects name it in their privileges or policies; in
-- this database and in what all share (database is empty) with some examples, elsewhere only the number is known.
WITH hanging AS (
    SELECT s.dbid, s.classid, s.objid, s.objsubid, s.deptype = 'o' AS is_owned,
           s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AS is_here
    FROM pg_shdepend s
    WHERE s.refclassid = 'pg_authid'::regclass
      AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1::text)
), told AS (
    SELECT h.dbid, h.is_here, h.is_owned,
           CASE WHEN NOT h.is_here OR NOT h.is_owned THEN 'object'
                WHEN h.classid = 'pg_class'::regclass
                THEN CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                         WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END
                WHEN h.classid = 'pg_proc'::regclass THEN 'function'
                WHEN h.classid = 'pg_namespace'::regclass THEN 'schema'
                WHEN h.classid = 'pg_largeobject'::regclass THEN 'large object'
                WHEN h.classid = 'pg_default_acl'::regclass THEN 'default privilege'
                ELSE replace(substr(h.classid::regclass::text, 4), '_', ' ') END AS kind,
           h.classid, h.objid, h.objsubid,
           row_number() OVER (PARTITION BY h.dbid, h.is_owned, h.classid, c.relkind ORDER BY h.objid) AS place
    FROM hanging h
    LEFT JOIN pg_class c ON h.is_here AND h.classid = 'pg_class'::regclass AND c.oid = h.objid
)
SELECT coalesce(d.datname::text, '') AS database,
       t.is_here,
       t.is_owned,
       t.kind,
       count(*)::int AS objects,
       array_agg(pg_describe_object(t.classid, t.objid, t.objsubid) ORDER BY t.place)
           FILTER (WHERE t.is_here AND t.is_owned AND t.place <= 3) AS examples
FROM told t
LEFT JOIN pg_database d ON d.oid = t.dbid
GROUP BY 1, 2, 3, 4
ORDER BY t.is_here DESC, 1, t.is_owned DESC, count(*) DESC, t.kind

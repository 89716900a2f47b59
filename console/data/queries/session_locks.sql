-- The locks that one session holds or waits for, alike ones counted together. $1: pid.
-- Names are looked up in this database only; elsewhere the numbers are all that there is.
SELECT l.mode,
       l.granted,
       l.locktype AS kind,
       CASE WHEN c.relname IS NOT NULL THEN quote_ident(n.nspname) || '.' || quote_ident(c.relname)
            WHEN l.relation IS NOT NULL THEN coalesce(d.datname || ': ', '') || 'relation ' || l.relation
            WHEN l.transactionid IS NOT NULL THEN 'transaction ' || l.transactionid
            WHEN l.virtualxid IS NOT NULL THEN 'virtual transaction ' || l.virtualxid
            ELSE concat_ws(' ', d.datname, l.classid, l.objid, l.objsubid) END AS object,
       count(*)::int AS count
FROM pg_locks l
LEFT JOIN pg_database d ON d.oid = l.database
LEFT JOIN pg_class c ON c.oid = l.relation AND (l.database = 0 OR d.datname = current_database())
LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = $1::int
GROUP BY l.mode, l.granted, l.locktype, object
ORDER BY l.granted, l.locktype = 'virtualxid', object, l.mode

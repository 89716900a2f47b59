-- PostgreSQL 13 counts no sessions that failed.
SELECT NULL::bigint AS failed
WHERE false

-- Bytes on disk of every database that the role may connect to. Reads the size of every file: asked rarely.
SELECT datname,
       CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_database_size(oid) END AS size,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM pg_database
WHERE datallowconn

-- Connections that the server refused, as its log tells: counted on the server in what was written since the last
-- time, 256 KiB at most. $1: the log file that was read last, $2: the byte up to which it was read.
-- A FATAL line whose session had begun ("terminating connection …") is not a failed connection.
WITH log AS (
    SELECT pg_current_logfile() AS name
), tail AS (
    SELECT name,
           (pg_stat_file(name, true)).size AS size
    FROM log
    WHERE name IS NOT NULL
)
SELECT name,
       size,
       CASE WHEN name = $1::text AND size > $2::bigint THEN
           (SELECT count(*)
            FROM regexp_matches(
                encode(pg_read_binary_file(name, greatest($2::bigint, size - 262144), 262144, true), 'escape'),
                'FATAL(:  (?!terminating|connection to client lost|canceling|could not)|,(28|3D|53|57P03)|","state_code":"(28|3D|53|57P03))',
                'g'))
       END AS failed,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM tail

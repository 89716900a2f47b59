-- What was run of a history ($1), oldest first, after the entry $2, which is the last that is known.
SELECT id,
       revision,
       direction,
       done,
       previous,
       checksum,
       started_at,
       seconds,
       role,
       person,
       problem,
       date_part('epoch', clock_timestamp() - statement_timestamp()) * 1000 AS server_ms
FROM :"schema".:"table"
WHERE history = $1 AND id > $2
ORDER BY id

-- Forgets what was counted. $1: user, $2: database, $3: identifier of a statement; 0 is any.
SELECT :"schema".pg_stat_statements_reset($1::oid, $2::oid, $3::int8)

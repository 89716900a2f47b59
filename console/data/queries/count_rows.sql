-- The rows of one table or materialised view, counted.
SELECT count(*) AS rows FROM :"schema".:"relation"

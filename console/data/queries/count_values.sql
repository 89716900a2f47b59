-- The values of one column that are not NULL, counted.
SELECT count(t.:"column") AS rows FROM :"schema".:"relation" AS t

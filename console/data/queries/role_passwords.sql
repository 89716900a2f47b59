-- Which roles have a password, and which still an MD5 of one: for superusers alone.
SELECT rolname::text AS name, rolpassword LIKE 'md5%' AS is_md5
FROM pg_authid
WHERE rolpassword IS NOT NULL

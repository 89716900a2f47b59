-- The keys whose hash is one of $1, in a table that may have more columns than the hash or not.
SELECT k.:"key_hash"::text AS key_hash,
       has ->> 'id' AS id,
       has ->> 'name' AS name,
       has ->> 'user_id' AS user_id,
       coalesce((has ->> 'is_active')::boolean, true)
           AND has ->> 'revoked_at' IS NULL
           AND coalesce((has ->> 'expires_at')::timestamptz > now(), true) AS is_usable
  FROM :"schema".:"relation" AS k
 CROSS JOIN LATERAL to_jsonb(k) AS has
 WHERE k.:"key_hash"::text = ANY ($1::text[])
 ORDER BY has ->> 'created_at', has ->> 'id'

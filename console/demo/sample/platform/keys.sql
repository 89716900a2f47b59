-- arxos_core: API keys in every state in which a key can be, and the audit trail.

INSERT INTO arxos_core.api_keys (id, user_id, key_hash, key_prefix, name, permissions, environment, is_active, expires_at,
                                 last_used_at, created_at, created_by, updated_at, revoked_at, revoked_by, revoke_reason,
                                 replaced_by)
SELECT pg_temp.id('key', n),
       pg_temp.id('user', owner),
       encode(sha256(('key' || n)::bytea), 'hex'),
       'dbc_' || environment || '_' || translate(substr(encode(sha256(('shown' || n)::bytea), 'base64'), 1, 6), '+/', 'xY'),
       pg_temp.pick(ARRAY['CI pipeline', 'Mobile app', 'Backup job', 'Dashboard', 'Data export', 'Sensor gateway',
                          'Partner API', 'Import of floor plans', 'test', 'Night shift', 'Zapier', 'BIM sync'], 'key', n / 2),
       CASE WHEN n % 90 = 0 THEN '{"admin": true}'::jsonb
            ELSE jsonb_build_object('read', true, 'write', n % 3 = 0, 'scopes', to_jsonb((ARRAY[
                'objects', 'files', 'sync', 'users', 'orders'])[1:1 + n % 5])) END,
       environment,
       NOT (state IN ('revoked', 'rotated', 'disabled')),
       ends,
       CASE WHEN state <> 'unused' THEN
           made + (CASE state WHEN 'revoked' THEN 0.8 WHEN 'rotated' THEN 0.8 WHEN 'stale' THEN 0.1 ELSE 1 END
                       - 0.05 * power(pg_temp.dice('used', n), 3)) * (least(:'day'::timestamptz, ends) - made) END,
       made,
       pg_temp.pick(ARRAY['console', 'api', 'ada1', 'terraform'], 'made by', n),
       greatest(made, CASE WHEN state IN ('revoked', 'rotated') THEN made + 0.9 * (:'day'::timestamptz - made) ELSE made END),
       CASE WHEN state IN ('revoked', 'rotated') THEN made + 0.9 * (:'day'::timestamptz - made) END,
       CASE state WHEN 'revoked' THEN 'security@nordwerk.example' WHEN 'rotated' THEN 'console' END,
       CASE state WHEN 'revoked' THEN pg_temp.pick(ARRAY['leaked in a repository', 'owner left', 'not needed any more',
                                                         'found in a log file'], 'why', n)
                  WHEN 'rotated' THEN 'rotated' END,
       CASE WHEN state = 'rotated' THEN pg_temp.id('key', n + 1) END
  FROM (SELECT n,
               -- Two neighbours have one owner and one name: a key, and the one that took its place.
               pg_temp.someone('key', n / 2) AS owner,
               pg_temp.pick(ARRAY['production', 'production', 'staging', 'development'], 'environment', n / 2) AS environment,
               CASE WHEN n % 2 = 0 AND n < 3000 AND n % 10 = 4 THEN 'rotated'
                    ELSE pg_temp.pick(ARRAY['used', 'used', 'used', 'used', 'used', 'used', 'used', 'unused', 'unused', 'stale',
                        'stale', 'endless', 'expiring', 'expired', 'expired', 'revoked', 'revoked', 'disabled'], 'state', n) END AS state,
               :'day'::timestamptz - pg_temp.days(1 + 720 * pg_temp.dice('key made', n)) AS made
          FROM generate_series(2, 3000) AS n) AS key
 CROSS JOIN LATERAL (
     SELECT CASE WHEN n % 90 = 0 OR state = 'endless' THEN NULL
                 WHEN state = 'expired' THEN
                     greatest(made + interval '1 hour', :'day'::timestamptz - pg_temp.days(120 * power(pg_temp.dice('expired', n), 2)))
                 WHEN state = 'expiring' THEN :'day'::timestamptz + pg_temp.days(0.5 + 6.5 * pg_temp.dice('expiring', n))
                 ELSE :'day'::timestamptz + pg_temp.days(8 + 350 * pg_temp.dice('expires', n)) END AS ends
 ) AS validity;

-- The key that an old set-up script gave to every installation of the name.
INSERT INTO arxos_core.api_keys (id, user_id, key_hash, name, permissions, created_at, updated_at, last_used_at)
SELECT pg_temp.id('key', 1), pg_temp.id('user', 1), encode(sha256('admin-key-dev'), 'hex'), 'Admin Key', '{"admin": true}',
       :'day'::timestamptz - interval '800 days', :'day'::timestamptz - interval '800 days', :'day'::timestamptz - interval '3 hours';

-- What a row's hash covers: console/data/audit_chain.py.
CREATE FUNCTION pg_temp.next_hash(previous text, content jsonb) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT encode(sha256(convert_to(jsonb_set(content, '{1}', coalesce(to_jsonb(previous), 'null'))::text, 'UTF8')), 'hex')
$$;
CREATE AGGREGATE pg_temp.chain(content jsonb) (SFUNC = pg_temp.next_hash, STYPE = text);

WITH event AS (
    SELECT n,
           pg_temp.someone('acts', n) AS actor,
           pg_temp.pick(ARRAY['user.login', 'user.login', 'user.login', 'user.login_failed', 'file.update', 'file.update',
               'object.update', 'object.update', 'object.update', 'project.update', 'api_key.create', 'api_key.revoke',
               'permission.grant', 'export.run', 'sync.resolve'], 'action', n) AS action,
           :'day'::timestamptz - pg_temp.days(60 * power((10000 - n + pg_temp.dice('moment', n)) / 10000, 1.3)) AS at
      FROM generate_series(1, 10000) AS n
), row AS (
    SELECT n, actor, action, at,
           split_part(action, '.', 1) AS resource_type,
           CASE split_part(action, '.', 1)
               WHEN 'user' THEN pg_temp.id('user', actor)
               WHEN 'file' THEN pg_temp.id('file', 1 + n * 7 % 600)
               WHEN 'project' THEN pg_temp.id('project', 1 + n * 3 % 40)
               WHEN 'api_key' THEN pg_temp.id('key', 1 + n * 11 % 3000) END AS resource_id,
           jsonb_build_object('user_id', pg_temp.id('user', actor), 'request', substr(md5('request' || n), 1, 12))
               || CASE action WHEN 'user.login_failed' THEN jsonb_build_object('reason', pg_temp.pick(
                                  ARRAY['wrong password', 'unknown second factor', 'account suspended'], 'failed', n))
                              WHEN 'object.update' THEN jsonb_build_object('objects', 1 + n % 40, 'tool', 'cad')
                              WHEN 'export.run' THEN jsonb_build_object('format', 'geojson', 'rows', n * 3 % 5000)
                              ELSE '{}'::jsonb END AS details,
           pg_temp.address('session', actor) AS ip_address,
           pg_temp.browser('session', actor) AS user_agent
      FROM event
), hashed AS (
    SELECT *,
           pg_temp.chain(jsonb_build_array(n, NULL, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), action,
                                           resource_type, resource_id, details, ip_address, user_agent))
               OVER (ORDER BY n) AS hash
      FROM row
)
INSERT INTO arxos_core.audit_logs (id, user_id, action, resource_type, resource_id, details, ip_address, user_agent, timestamp,
                                   sequence, prev_hash, hash)
SELECT pg_temp.id('audit', n), pg_temp.id('user', actor), action, resource_type, resource_id, details, ip_address, user_agent,
       at, n, lag(hash) OVER (ORDER BY n), hash
  FROM hashed
 ORDER BY n;

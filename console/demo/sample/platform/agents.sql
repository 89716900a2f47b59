-- arxos_sync, arxos_gus, gaia, collex and assist: files on several devices, agents, and what people say to them.

INSERT INTO arxos_sync.sessions (id, user_id, device_id, file_id, version, changes, status, created_at, updated_at)
SELECT pg_temp.id('sync', n), pg_temp.id('user', owner),
       pg_temp.pick(ARRAY['tablet', 'laptop', 'phone'], 'device', n) || '-' || owner,
       pg_temp.id('file', 1 + n * 13 % 600), 1 + n % 14,
       jsonb_build_array(jsonb_build_object('op', pg_temp.pick(ARRAY['move', 'resize', 'add', 'remove'], 'op', n), 'objects', 1 + n % 25)),
       pg_temp.pick(ARRAY['active', 'completed', 'completed', 'completed', 'failed'], 'sync', n),
       begun, begun + make_interval(mins => n % 90)
  FROM (SELECT n, pg_temp.someone('sync', n) AS owner,
               :'day'::timestamptz - pg_temp.days(0.1 + 30 * pg_temp.dice('synced', n)) AS begun
          FROM generate_series(1, 800) AS n) AS session;

INSERT INTO arxos_sync.conflicts (id, file_id, device_ids, conflict_data, resolution, status, created_at, resolved_at)
SELECT pg_temp.id('conflict', n), pg_temp.id('file', 1 + n * 29 % 600),
       ARRAY['tablet-' || 1 + n % 50, 'laptop-' || 1 + n * 3 % 50],
       jsonb_build_object('object', pg_temp.pick(ARRAY['KAI-03-07', 'TEJ-11-52', 'BAA-02-14', 'ORI-05-61'], 'where', n) || '-DOOR-1',
                          'field', pg_temp.pick(ARRAY['position', 'width_mm', 'fire_rating'], 'field', n),
                          'mine', 800 + n % 5 * 50, 'theirs', 900 + n % 3 * 100, 'base_version', n % 14),
       CASE WHEN state = 'resolved' THEN jsonb_build_object('take', pg_temp.pick(ARRAY['mine', 'theirs', 'merged'], 'take', n),
                                                            'by', 'user' || n % 40) END,
       state, found, CASE WHEN state = 'resolved' THEN found + pg_temp.days(0.9 * pg_temp.dice('resolved', n)) END
  FROM (SELECT n, pg_temp.pick(ARRAY['pending', 'pending', 'resolved', 'resolved', 'resolved', 'ignored'], 'conflict', n) AS state,
               :'day'::timestamptz - pg_temp.days(1 + 20 * pg_temp.dice('found', n)) AS found
          FROM generate_series(1, 140) AS n) AS conflict;

-- What people ask, with what is answered and what was meant.
CREATE TEMP TABLE talk ON COMMIT DROP AS
SELECT *, row_number() OVER () - 1 AS number
  FROM (VALUES
      ('Which rooms on floor 3 have no second exit?', 'Two: KAI-03-07 and KAI-03-09. Both open to the corridor only.', 'find_objects'),
      ('How warm was the lab last night?', 'Between 19.2 and 21.8 °C. The lowest was at 04:10.', 'read_sensor'),
      ('Move the door of room 2.14 by 20 cm', 'Done. The clearance to the wall is now 1.10 m.', 'edit_object'),
      ('Export the walls of Torre Tejo', 'The export has 2,304 walls. It is ready to download.', 'export'),
      ('What does F90 mean?', 'The wall resists fire for 90 minutes (DIN 4102-2).', 'explain'),
      ('Who changed the fire plan?', 'Mila Dahl, yesterday at 16:42: revision 7.', 'history'),
      ('Are any sensors offline?', '31 of 3,140. Most are in the Sandtorhaus, floor 8.', 'read_sensor'),
      ('Book a desk for Thursday', 'Desk 2 in UEB-05-03 is yours on Thursday.', 'book'),
      ('Why is constraint C-00017 broken?', 'It names a sprinkler that was removed from the plan.', 'explain'),
      ('Summarise the open conflicts', 'Four files have open conflicts, all about door widths.', 'summarise')
  ) AS given (query, response, intent);

INSERT INTO arxos_gus.sessions (user_id, session_id, created_at, updated_at, conversation_history, context, preferences)
SELECT pg_temp.id('user', owner)::text, 'gus-' || substr(md5('gus' || n), 1, 16), begun,
       begun + make_interval(mins => 1 + n % 50),
       (SELECT jsonb_agg(jsonb_build_object('user', query, 'gus', response) ORDER BY number) FROM talk WHERE (number + n) % 4 = 0),
       jsonb_build_object('project', pg_temp.id('project', 1 + n % 12), 'floor', n % 9),
       jsonb_build_object('verbosity', pg_temp.pick(ARRAY['short', 'long'], 'verbosity', n))
  FROM (SELECT n, pg_temp.someone('gus', n) AS owner,
               :'day'::timestamptz - pg_temp.days(0.1 + 60 * pg_temp.dice('gus', n)) AS begun
          FROM generate_series(1, 200) AS n) AS session
 ORDER BY n;

INSERT INTO arxos_gus.interactions (session_id, user_id, query, response, intent, confidence, entities, processing_time_ms,
                                    created_at)
SELECT s.session_id, s.user_id, query, response, intent, round((0.55 + 0.44 * pg_temp.dice('sure', n))::numeric, 3),
       jsonb_build_object('floor', n % 9, 'building', (ARRAY['KAI', 'TEJ', 'UEB', 'ORI'])[1 + n % 4]),
       (120 + 4000 * power(pg_temp.dice('took', n), 4))::int, s.created_at + make_interval(secs => n / 200 * 45)
  FROM generate_series(0, 1999) AS n
  JOIN arxos_gus.sessions AS s ON s.id = 1 + n % 200
  JOIN talk ON talk.number = floor(10 * pg_temp.dice('talk', n))
 ORDER BY n;

INSERT INTO arxos_gus.knowledge_base (topic, category, title, content, source, citation, relevance_tags, embedding_vector,
                                      created_at, updated_at)
SELECT topic, category, initcap(topic) || ', part ' || 1 + n / 6,
       'What ' || topic || ' has to fulfil in ' || category || ', with the exceptions for existing buildings. '
       || repeat('See also the national annex. ', 1 + n % 4),
       source, source || ', section ' || 1 + n % 12 || '.' || 1 + n % 7, ARRAY[topic, category],
       (SELECT array_agg((pg_temp.dice('embedding', n * 10000 + d) - 0.5)::real ORDER BY d) FROM generate_series(1, 1536) AS d),
       :'day'::timestamptz - pg_temp.days(300 + n), :'day'::timestamptz - pg_temp.days(n)
  FROM (SELECT n, (ARRAY['escape routes', 'door widths', 'ventilation', 'floor loads', 'wiring', 'daylight'])[1 + n % 6] AS topic,
               (ARRAY['offices', 'laboratories', 'storage'])[1 + n % 3] AS category,
               (ARRAY['Musterbauordnung', 'EN 16798-1', 'ASR A2.3', 'Eurocode 1', 'HD 60364', 'EN 17037'])[1 + n % 6] AS source
          FROM generate_series(0, 59) AS n) AS article
 ORDER BY n;

INSERT INTO gaia.chat_messages (id, user_id, conversation_id, role, content, model, provider, tokens_used, created_at)
SELECT pg_temp.id('chat', 2 * n + part), pg_temp.id('user', pg_temp.someone('chat', n / 5)), pg_temp.id('chats', n / 5),
       (ARRAY['user', 'assistant'])[1 + part], CASE part WHEN 0 THEN query ELSE response END,
       CASE part WHEN 1 THEN pg_temp.pick(ARRAY['large', 'small', 'local-8b'], 'model', n) END,
       CASE part WHEN 1 THEN pg_temp.pick(ARRAY['hosted', 'hosted', 'on-premises'], 'provider', n) END,
       20 + (900 * pg_temp.dice('tokens', 2 * n + part))::int,
       :'day'::timestamptz - pg_temp.days(0.05 + 40 * pg_temp.dice('chats', n / 5)) + make_interval(secs => n % 5 * 60 + part * 4)
  FROM generate_series(0, 1249) AS n
 CROSS JOIN generate_series(0, 1) AS part
  JOIN talk ON talk.number = floor(10 * pg_temp.dice('chat', n));

INSERT INTO gaia.assets (id, user_id, type, name, description, url, metadata, generation_params, status, created_at,
                         updated_at)
SELECT pg_temp.id('asset', n), pg_temp.id('user', pg_temp.someone('asset', n)), type, type || ' ' || n,
       'Seen from the ' || side,
       CASE WHEN state = 'completed' THEN 'https://assets.example/' || md5('asset' || n) END,
       jsonb_build_object('width', 1024, 'height', 768 + n % 3 * 128),
       jsonb_build_object('seed', n * 7919, 'steps', 20 + n % 4 * 10, 'view', side),
       state, made, made + make_interval(secs => 20 + n % 400)
  FROM (SELECT n, pg_temp.pick(ARRAY['image', 'render', 'floor_plan', 'video'], 'asset', n) AS type,
               pg_temp.pick(ARRAY['street', 'river', 'courtyard', 'roof'], 'side', n) AS side,
               pg_temp.pick(ARRAY['completed', 'completed', 'completed', 'completed', 'failed', 'pending'], 'rendered', n) AS state,
               :'day'::timestamptz - pg_temp.days(0.1 + 90 * pg_temp.dice('made', n)) AS made
          FROM generate_series(1, 300) AS n) AS asset;

INSERT INTO collex.user_preferences (id, user_id, preferences, created_at, updated_at)
SELECT pg_temp.id('preferences', n), u.id,
       jsonb_build_object('language', u.profile ->> 'locale', 'compact', n % 3 = 0, 'home', (ARRAY['map', 'projects'])[1 + n % 2]),
       u.created_at, u.updated_at
  FROM generate_series(1, 400) AS n
  JOIN arxos_core.users AS u ON u.id = pg_temp.id('user', n)
 WHERE n % 9 > 0;

INSERT INTO collex.roles (id, name, description, category, is_active, created_at, updated_at, deleted_at)
SELECT pg_temp.id('role', n), name, 'May ' || what, category, name <> 'guest', :'day'::timestamptz - interval '2 years',
       :'day'::timestamptz - n * interval '20 days',
       CASE WHEN name = 'importer' THEN :'day'::timestamptz - interval '50 days' END
  FROM (VALUES (1, 'owner', 'do everything', 'system'), (2, 'admin', 'manage users and keys', 'system'),
               (3, 'auditor', 'read everything', 'system'), (4, 'architect', 'draw', 'project'),
               (5, 'engineer', 'draw and check', 'project'),
               (6, 'operator', 'see sensors and book desks', 'building'), (7, 'guest', 'see public plans', 'building'),
               (8, 'importer', 'bring in old plans', 'project')) AS given (n, name, what, category);

INSERT INTO collex.permissions (id, name, description, module, resource, action, created_at, updated_at)
SELECT pg_temp.id('permission', row_number() OVER (ORDER BY module, resource, action)),
       module || '.' || resource || '.' || action,
       initcap(action) || ' ' || resource, module, resource, action, :'day'::timestamptz - interval '2 years',
       :'day'::timestamptz - interval '1 year'
  FROM (VALUES ('core', 'users'), ('core', 'api_keys'), ('core', 'files'), ('core', 'projects'), ('cad', 'objects'),
               ('cad', 'constraints'),
               ('sync', 'conflicts'), ('commerce', 'orders'), ('analytics', 'metrics')) AS given (module, resource),
       unnest(ARRAY['create', 'read', 'update', 'delete']) AS action;

INSERT INTO collex.user_sessions (id, user_id, token_hash, device_name, ip_address, user_agent, is_active, last_activity_at,
                                  expires_at, created_at, updated_at, deleted_at)
SELECT pg_temp.id('collex session', n), pg_temp.id('user', owner), encode(sha256(('collex' || n)::bytea), 'hex'),
       pg_temp.pick(ARRAY['iPad', 'ThinkPad', 'Pixel', 'MacBook', NULL], 'device name', n), pg_temp.address('session', owner),
       pg_temp.browser('session', owner),
       n % 4 > 0, begun + interval '3 hours', begun + interval '30 days', begun, begun + interval '3 hours',
       CASE WHEN n % 11 = 0 THEN begun + interval '1 day' END
  FROM (SELECT n, pg_temp.someone('collex', n) AS owner,
               :'day'::timestamptz - pg_temp.days(1 + 50 * pg_temp.dice('collex', n)) AS begun
          FROM generate_series(1, 900) AS n) AS session;

INSERT INTO collex.user_activities (id, user_id, activity_type, description, metadata, ip_address, user_agent, created_at,
                                    updated_at)
SELECT pg_temp.id('activity', n), pg_temp.id('user', owner), type, initcap(type) || ' of ' || thing,
       jsonb_build_object('thing', thing, 'ms', 20 + n * 37 % 1900),
       pg_temp.address('session', owner), pg_temp.browser('session', owner), at, at
  FROM (SELECT n, pg_temp.someone('activity', n) AS owner,
               pg_temp.pick(ARRAY['view', 'view', 'edit', 'comment', 'share', 'download'], 'activity', n) AS type,
               pg_temp.pick(ARRAY['floor plan', 'fire plan', 'schedule', 'map', 'sensor'], 'thing', n) AS thing,
               :'day'::timestamptz - pg_temp.days(30 * power(pg_temp.dice('active', n), 1.5)) AS at
          FROM generate_series(1, 4000) AS n) AS activity;

INSERT INTO assist.conversations (id, user_id, session_id, title, created_at, updated_at, metadata, is_archived)
SELECT pg_temp.id('conversation', n), s.user_id, s.id, query, s.created_at, s.created_at + make_interval(mins => n % 40),
       jsonb_build_object('channel', pg_temp.pick(ARRAY['web', 'mobile', 'cad plug-in'], 'channel', n), 'rating', 1 + n % 5),
       n % 7 = 0
  FROM generate_series(1, 500) AS n
  JOIN arxos_core.sessions AS s ON s.id = pg_temp.id('session', 1 + n * 2)
  JOIN talk ON talk.number = n % 10;

INSERT INTO assist.messages (id, conversation_id, role, content, timestamp, metadata, parent_message_id, tokens_used)
SELECT pg_temp.id('message', c * 10 + m), pg_temp.id('conversation', c), CASE m % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
       CASE m % 2 WHEN 1 THEN query ELSE response END, v.created_at + make_interval(secs => m * 40),
       CASE m % 2 WHEN 1 THEN '{}'::jsonb ELSE jsonb_build_object('intent', intent, 'cached', (c + m) % 5 = 0) END,
       CASE WHEN m > 1 THEN pg_temp.id('message', c * 10 + m - 1) END, 15 + (c * 31 + m * 17) % 700
  FROM generate_series(1, 500) AS c
 CROSS JOIN LATERAL generate_series(1, 2 + c % 4 * 2) AS m
  JOIN assist.conversations AS v ON v.id = pg_temp.id('conversation', c)
  JOIN talk ON talk.number = (c + (m - 1) / 2) % 10;

INSERT INTO assist.agent_states (id, conversation_id, state_type, state_data, created_at, updated_at)
SELECT pg_temp.id('state', n), pg_temp.id('conversation', n),
       pg_temp.pick(ARRAY['idle', 'waiting_for_tool', 'waiting_for_user', 'done'], 'state', n),
       jsonb_build_object('step', n % 6, 'tools', jsonb_build_array(pg_temp.pick(ARRAY['search', 'sensors', 'editor'], 'tool', n))), created_at, updated_at
  FROM generate_series(1, 500) AS n
  JOIN assist.conversations ON id = pg_temp.id('conversation', n);

INSERT INTO assist.usage_analytics (id, user_id, session_id, conversation_id, event_type, event_data, timestamp)
SELECT pg_temp.id('usage', n), c.user_id, c.session_id, c.id,
       pg_temp.pick(ARRAY['message_sent', 'tool_called', 'answer_rated', 'error'], 'usage', n),
       jsonb_build_object('ms', 90 + n * 13 % 2900, 'tokens', n * 7 % 800),
       c.created_at + make_interval(secs => n * 19 % 1500)
  FROM generate_series(1, 4000) AS n
  JOIN assist.conversations AS c ON c.id = pg_temp.id('conversation', 1 + n * 3 % 500);

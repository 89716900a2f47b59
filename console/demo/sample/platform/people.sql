-- arxos_core: who there is, what they own, the keys they were given, and what they did.

INSERT INTO arxos_core.users (id, email, username, name, phone_number, password_hash, status, is_active, profile,
                              subscription, preferences, last_login_at, created_at, updated_at, deleted_at)
SELECT pg_temp.id('user', n),
       CASE WHEN state <> 'phone' THEN
           lower(first || '.' || replace(replace(last, ' ', ''), '''', ''))
               || CASE WHEN n > 360 THEN n::text ELSE '' END || '@' || company || '.example' END,
       lower(first) || n,
       -- The world has more names than those of one alphabet.
       CASE n WHEN 7 THEN '山田 太郎' WHEN 11 THEN 'محمد علي' WHEN 19 THEN 'Zoë Müller-Lüdenscheidt 🏗'
              WHEN 23 THEN 'Robert''); DROP TABLE users; --' ELSE first || ' ' || last END,
       CASE WHEN state = 'phone' OR n % 5 = 0 THEN '+4940' || lpad((7000000 + n * 7919)::text, 8, '0') END,
       '$argon2id$v=19$m=65536,t=3,p=4$' || substr(encode(sha256(('salt' || n)::bytea), 'base64'), 1, 22) || '$'
           || rtrim(encode(sha256(('password' || n)::bytea), 'base64'), '='),
       CASE state WHEN 'pending' THEN 'pending' WHEN 'suspended' THEN 'suspended' WHEN 'left' THEN 'inactive'
                  WHEN 'deleted' THEN 'deleted' ELSE 'active' END,
       state NOT IN ('suspended', 'left', 'deleted'),
       jsonb_build_object('company', company, 'email_verified', state <> 'pending', 'locale', locale,
                          'title', pg_temp.pick(ARRAY['Architect', 'Structural engineer', 'Facility manager',
                              'Electrician', 'BIM coordinator', 'Site manager', 'Analyst'], 'title', n)),
       jsonb_build_object('plan', plan, 'seats', CASE plan WHEN 'enterprise' THEN 50 WHEN 'team' THEN 10 ELSE 1 END),
       jsonb_build_object('theme', pg_temp.pick(ARRAY['dark', 'light'], 'theme', n), 'units', 'metric',
                          'notifications', pg_temp.dice('notifications', n) < 0.7),
       CASE WHEN state <> 'pending' THEN
           greatest(joined, :'day'::timestamptz - pg_temp.days(90 * power(pg_temp.dice('login', n), 4))) END,
       joined,
       greatest(joined, :'day'::timestamptz - pg_temp.days(200 * pg_temp.dice('updated', n))),
       CASE WHEN state = 'deleted' THEN :'day'::timestamptz - pg_temp.days(30 * pg_temp.dice('deleted', n)) END
  FROM (SELECT n,
               (ARRAY['Ada', 'Jun', 'Mila', 'Omar', 'Ines', 'Tove', 'Kofi', 'Lena', 'Arjun', 'Rosa', 'Pavel', 'Aiko',
                      'Nils', 'Fatima', 'Hugo', 'Priya', 'Sven', 'Chloe', 'Mateo', 'Ruth', 'Emil', 'Noor', 'Igor',
                      'Maya', 'Tariq', 'Elsa', 'Diego', 'Anna', 'Bram', 'Leila', 'Otto', 'Sara', 'Yusuf', 'Greta',
                      'Ivan', 'Nadia', 'Luca', 'Freya', 'Samir', 'Vera'])[1 + n % 40] AS first,
               (ARRAY['Berg', 'Costa', 'Dahl', 'Endo', 'Fofana', 'Garcia', 'Haas', 'Iversen', 'Jensen', 'Kaya', 'Lund',
                      'Moreau', 'Novak', 'O''Neill', 'Park', 'Quist', 'Rossi', 'Sato', 'Tanaka', 'Usman', 'Vogel',
                      'Weber', 'Xu', 'Yilmaz', 'Zeman', 'Adeyemi', 'Brandt', 'Chen', 'Duarte', 'Eklund', 'Fischer',
                      'Gupta', 'Hansen', 'Ito', 'Jimenez', 'Keller', 'Lopes', 'Mensah', 'Nielsen', 'Oliveira',
                      'Petrov'])[1 + n % 41] AS last,
               pg_temp.pick(ARRAY['nordwerk', 'hafenbau', 'atelier-tejo', 'vitruv', 'gridlab'], 'company', n) AS company,
               pg_temp.pick(ARRAY['de-DE', 'en-GB', 'pt-PT', 'fr-FR'], 'locale', n) AS locale,
               pg_temp.pick(ARRAY['free', 'free', 'team', 'team', 'enterprise'], 'plan', n) AS plan,
               CASE WHEN n <= 6 THEN 'active' WHEN n % 29 = 0 THEN 'suspended' WHEN n % 31 = 0 THEN 'left'
                    WHEN n % 37 = 0 THEN 'deleted' WHEN n % 17 = 0 THEN 'pending' WHEN n % 43 = 0 THEN 'phone'
                    ELSE 'active' END AS state,
               :'day'::timestamptz - pg_temp.days(1000 * power(pg_temp.dice('joined', n), 1.5)) AS joined
          FROM generate_series(1, 400) AS n) AS person;

-- The buildings of two cities. Each is a project: offices on both sides of a corridor, floor above floor.
CREATE TEMP TABLE building ON COMMIT DROP AS
SELECT *, row_number() OVER (ORDER BY city, code)::int AS number
  FROM (VALUES
      ('Hamburg', 'KAI', 'Kaispeicher West',   9.98790, 53.54110, 10, 15, 21.0),
      ('Hamburg', 'UEB', 'Überseequartier 4',  9.99890, 53.54060, 13, 12, 12.0),
      ('Hamburg', 'SAN', 'Sandtorhaus',        9.99270, 53.54330,  8, 18, 14.0),
      ('Hamburg', 'ELB', 'Elbtor Labore',     10.00460, 53.54180,  7, 20, -8.0),
      ('Hamburg', 'MAG', 'Magdeburger Hof',   10.00110, 53.54350, 10, 14, 64.0),
      ('Hamburg', 'BAA', 'Baakenhafen Campus', 10.01240, 53.53980, 8, 22, -14.0),
      ('Lisbon',  'TEJ', 'Torre Tejo',        -9.09660, 38.76320, 15,  9, 78.0),
      ('Lisbon',  'ORI', 'Edifício Oriente',  -9.09870, 38.76740, 12, 13, 80.0),
      ('Lisbon',  'GAR', 'Gare Sul',          -9.09940, 38.76990,  6, 24, 82.0),
      ('Lisbon',  'EXP', 'Expo Atrium',       -9.09420, 38.77150,  8, 16, 75.0),
      ('Lisbon',  'VAS', 'Vasco Offices',     -9.09310, 38.76830, 11, 12, 79.0),
      ('Lisbon',  'MAR', 'Marina Norte',      -9.09150, 38.77480,  7, 15, 61.0)
  ) AS given (city, code, name, longitude, latitude, floors, rooms_a_side, degrees);

INSERT INTO arxos_core.projects (id, name, description, owner_id, metadata, created_at, updated_at)
SELECT pg_temp.id('project', number), name, floors || ' floors in ' || city, pg_temp.id('user', number),
       jsonb_build_object('city', city, 'code', code, 'floors', floors, 'phase',
                          pg_temp.pick(ARRAY['design', 'construction', 'operation', 'operation'], 'phase', number)),
       :'day'::timestamptz - pg_temp.days(900 - number * 40), :'day'::timestamptz - pg_temp.days(number / 2.0)
  FROM building
UNION ALL
SELECT pg_temp.id('project', n),
       pg_temp.pick(ARRAY['Retrofit', 'Fire safety review', 'Fit-out', 'Energy audit', 'Sensor roll-out'], 'kind', n)
           || ' ' || (ARRAY['Altona', 'Alfama', 'Barmbek', 'Belém', 'Wandsbek', 'Chiado', 'Harburg'])[1 + n % 7],
       NULL, pg_temp.id('user', pg_temp.someone('project', n)),
       jsonb_build_object('phase', pg_temp.pick(ARRAY['proposal', 'design', 'done'], 'phase', n), 'budget_eur', n * 12500),
       :'day'::timestamptz - pg_temp.days(700 * pg_temp.dice('begun', n)),
       :'day'::timestamptz - pg_temp.days(60 * pg_temp.dice('touched', n) * pg_temp.dice('begun', n))
  FROM generate_series(13, 40) AS n;

INSERT INTO arxos_core.files (id, name, type, content, metadata, permissions, project_id, owner_id, created_at, updated_at)
SELECT pg_temp.id('file', n), what || '-' || lpad((n % 97)::text, 2, '0') || '.' || type, type,
       CASE WHEN type IN ('md', 'csv') THEN repeat('Room; area; status' || chr(10), 1 + n % 9) END,
       jsonb_build_object('bytes', 2000 + floor(9e6 * pg_temp.dice('bytes', n))::int, 'revision', 1 + n % 14,
                          'tags', jsonb_build_array(what, pg_temp.pick(ARRAY['draft', 'issued', 'as-built'], 'tag', n))),
       jsonb_build_object('read', jsonb_build_array('team'), 'write', jsonb_build_array('owner'), 'public', n % 23 = 0),
       pg_temp.id('project', 1 + n % 40), pg_temp.id('user', pg_temp.someone('file', n)),
       :'day'::timestamptz - pg_temp.days(20 + 400 * pg_temp.dice('filed', n)),
       :'day'::timestamptz - pg_temp.days(20 * pg_temp.dice('edited', n))
  FROM (SELECT n, pg_temp.pick(ARRAY['floor-plan', 'section', 'fire-plan', 'wiring', 'schedule', 'minutes'], 'file', n) AS what,
               pg_temp.pick(ARRAY['dwg', 'ifc', 'pdf', 'csv', 'md'], 'type', n) AS type
          FROM generate_series(1, 600) AS n) AS file;

INSERT INTO arxos_core.sessions (id, user_id, session_token, created_at, expires_at, last_activity, ip_address, user_agent, is_active)
SELECT pg_temp.id('session', n), pg_temp.id('user', owner), encode(sha256(('session' || n)::bytea), 'hex'), begun,
       begun + interval '14 days', begun + pg_temp.days(pg_temp.dice('session lasts', n)),
       pg_temp.address('session', owner), pg_temp.browser('session', owner), begun > :'day'::timestamptz - interval '14 days' AND n % 6 > 0
  FROM (SELECT n, pg_temp.someone('session', n) AS owner,
               :'day'::timestamptz - pg_temp.days(1 + 44 * pg_temp.dice('session began', n)) AS begun
          FROM generate_series(1, 1200) AS n) AS session;

-- commerce, ai, blockchain and analytics: what is sold, remembered, paid and counted.

INSERT INTO commerce.businesses (id, owner_id, name, description, category, city, is_active, metadata, created_at, updated_at)
SELECT pg_temp.id('business', n), pg_temp.id('user', pg_temp.someone('business', n)),
       pg_temp.pick(ARRAY['Kantine', 'Copy', 'Café', 'Bike', 'Garden', 'Tool'], 'business', n) || ' '
       || pg_temp.pick(ARRAY['Nord', 'Tejo', 'Hafen', 'Oriente', '& Co.'], 'called', n) || ' ' || n,
       'On the ground floor', pg_temp.pick(ARRAY['food', 'print', 'repair', 'plants'], 'category', n),
       (ARRAY['Hamburg', 'Lisbon'])[1 + n % 2], n % 13 > 0,
       jsonb_build_object('opens', 6 + n % 4, 'rating', round((3 + 2 * pg_temp.dice('rating', n))::numeric, 1)),
       :'day'::timestamptz - pg_temp.days(100 + 500 * pg_temp.dice('opened', n)), :'day'::timestamptz - pg_temp.days(n)
  FROM generate_series(1, 30) AS n;

INSERT INTO commerce.products (id, business_id, name, description, price, stock, is_available, attributes, created_at,
                               updated_at)
SELECT pg_temp.id('product', n), pg_temp.id('business', 1 + n % 30),
       pg_temp.pick(ARRAY['Soup', 'Coffee', 'Plan print', 'Key card', 'Fern', 'Lamp', 'Lock', 'Pastel de nata'], 'product', n)
       || ' no. ' || n, NULL,
       round((1.5 + 60 * power(pg_temp.dice('price', n), 3))::numeric, 2), floor(80 * pg_temp.dice('stock', n))::int,
       pg_temp.dice('stock', n) > 0.04,
       jsonb_build_object('vat', (ARRAY[7, 19, 23])[1 + n % 3], 'colour', pg_temp.pick(ARRAY['red', 'grey', 'blue'], 'colour', n)),
       :'day'::timestamptz - pg_temp.days(90 * pg_temp.dice('listed', n) + 10),
       :'day'::timestamptz - pg_temp.days(10 * pg_temp.dice('priced', n))
  FROM generate_series(1, 360) AS n;

CREATE TEMP TABLE item ON COMMIT DROP AS
SELECT o, line, pg_temp.id('product', 1 + (o % 30 + 29) % 30 + 30 * floor(12 * pg_temp.dice('bought', o * 5 + line))::int) AS product_id, 1 + (o + line) % 3 AS quantity
  FROM generate_series(1, 3000) AS o, generate_series(1, 1 + o % 4) AS line;

INSERT INTO commerce.orders (id, user_id, business_id, status, total, delivery_address, created_at, updated_at)
SELECT pg_temp.id('order', o), pg_temp.id('user', pg_temp.someone('order', o)), pg_temp.id('business', 1 + o % 30),
       CASE WHEN o > 2960 THEN 'pending'
            ELSE pg_temp.pick(ARRAY['completed', 'completed', 'completed', 'delivered', 'cancelled', 'refunded'], 'order', o) END,
       total, jsonb_build_object('room', (ARRAY['KAI-03-07', 'TEJ-11-52', 'UEB-05-03'])[1 + o % 3], 'city', (ARRAY['Hamburg', 'Lisbon'])[1 + o % 2]),
       at, least(at + interval '1 hour', :'day'::timestamptz)
  FROM (SELECT o, sum(quantity * price) AS total,
               :'day'::timestamptz - pg_temp.days(60 * (3000 - o + pg_temp.dice('ordered', o)) / 3000) AS at
          FROM item JOIN commerce.products ON id = product_id GROUP BY o) AS basket;

INSERT INTO commerce.order_items (id, order_id, product_id, quantity, unit_price, created_at)
SELECT pg_temp.id('item', o * 5 + line), pg_temp.id('order', o), product_id, quantity, price, c.created_at
  FROM item
  JOIN commerce.products AS p ON p.id = product_id
  JOIN commerce.orders AS c ON c.id = pg_temp.id('order', o);

INSERT INTO ai.cache_entries (key, response, metadata, hits, created_at, expires_at)
SELECT 'answer:' || md5('cache' || n), response,
       jsonb_build_object('model', pg_temp.pick(ARRAY['large', 'small'], 'cached by', n), 'intent', intent),
       floor(300 * power(pg_temp.dice('hits', n), 5))::int, at, at + pg_temp.days(1 + n % 14)
  FROM (SELECT n, :'day'::timestamptz - pg_temp.days(10 * pg_temp.dice('cached', n)) AS at
          FROM generate_series(1, 600) AS n) AS entry
  JOIN talk ON talk.number = n % 10;

INSERT INTO ai.conversations (id, user_id, agent, intent, messages, context, created_at, updated_at)
SELECT pg_temp.id('ai', n), pg_temp.id('user', pg_temp.someone('ai', n)),
       pg_temp.pick(ARRAY['concierge', 'planner', 'tutor'], 'agent', n), intent,
       jsonb_build_array(jsonb_build_object('role', 'user', 'content', query), jsonb_build_object('role', 'assistant', 'content', response)),
       jsonb_build_object('building', (ARRAY['KAI', 'TEJ', 'UEB'])[1 + n % 3]), at, at + interval '2 minutes'
  FROM (SELECT n, :'day'::timestamptz - pg_temp.days(0.1 + 45 * pg_temp.dice('ai', n)) AS at
          FROM generate_series(1, 300) AS n) AS conversation
  JOIN talk ON talk.number = n % 10;

INSERT INTO ai.memory_facts (id, user_id, conversation_id, category, fact, confidence, metadata, created_at, updated_at)
SELECT pg_temp.id('fact', n), c.user_id, c.id, category, fact, round((0.4 + 0.6 * pg_temp.dice('certain', n))::numeric, 2),
       jsonb_build_object('times_seen', 1 + n % 9),
       c.created_at, c.updated_at
  FROM generate_series(1, 500) AS n
  JOIN ai.conversations AS c ON c.id = pg_temp.id('ai', 1 + n % 300)
  JOIN (VALUES (0, 'place', 'Works on floor 5'), (1, 'taste', 'Prefers a desk at the window'),
               (2, 'task', 'Is responsible for fire safety'),
               (3, 'unit', 'Wants lengths in millimetres'),
               (4, 'language', 'Answers in Portuguese are welcome')) AS said (number, category, fact) ON number = n % 5;

INSERT INTO ai.learning_data (id, conversation_id, intent, input, output, score, metadata, created_at)
SELECT pg_temp.id('learning', n), c.id, c.intent, talk.query, talk.response,
       CASE WHEN n % 8 > 0 THEN round(pg_temp.dice('score', n)::numeric, 2) END,
       jsonb_build_object('reviewed', n % 3 = 0), c.created_at
  FROM generate_series(1, 700) AS n
  JOIN ai.conversations AS c ON c.id = pg_temp.id('ai', 1 + n * 7 % 300)
  JOIN talk ON talk.number = n % 10;

INSERT INTO blockchain.wallets (id, user_id, address, balance, metadata, created_at, updated_at)
SELECT pg_temp.id('wallet', n), pg_temp.id('user', n), '0x' || substr(encode(sha256(('wallet' || n)::bytea), 'hex'), 1, 40),
       round((5000 * power(pg_temp.dice('balance', n), 3))::numeric, 8),
       jsonb_build_object('network', 'fodi', 'custody', (ARRAY['own', 'platform'])[1 + n % 2]),
       :'day'::timestamptz - pg_temp.days(200 + n), :'day'::timestamptz - pg_temp.days(30 * pg_temp.dice('wallet', n))
  FROM generate_series(1, 250) AS n;

INSERT INTO blockchain.fodi_transactions (id, from_wallet_id, to_wallet_id, amount, status, transaction_hash, metadata,
                                          created_at, confirmed_at)
SELECT pg_temp.id('transaction', n), CASE WHEN n % 8 > 0 THEN pg_temp.id('wallet', 1 + n * 3 % 250) END,
       pg_temp.id('wallet', 1 + (n * 3 + 1 + n % 40) % 250),
       round((0.01 + 400 * power(pg_temp.dice('amount', n), 4))::numeric, 8), state,
       CASE WHEN state <> 'pending' THEN '0x' || encode(sha256(('transaction' || n)::bytea), 'hex') END,
       jsonb_build_object('reason', CASE WHEN n % 8 = 0 THEN 'reward' ELSE 'order' END), at,
       CASE WHEN state = 'confirmed' THEN at + make_interval(secs => 5 + n % 50) END
  FROM (SELECT n, CASE WHEN n > 1985 THEN 'pending' WHEN n % 41 = 0 THEN 'failed' ELSE 'confirmed' END AS state,
               :'day'::timestamptz - pg_temp.days(90 * (2000 - n + pg_temp.dice('sent', n)) / 2000) AS at
          FROM generate_series(1, 2000) AS n) AS transaction;

INSERT INTO blockchain.nft_metadata (id, token_id, wallet_id, name, description, image_url, attributes, minted_at, updated_at)
SELECT pg_temp.id('nft', n), 'ARX-' || lpad(n::text, 5, '0'), pg_temp.id('wallet', 1 + n * 7 % 250),
       'Key of room ' || 1 + n % 9 || '.' || lpad((n % 30)::text, 2, '0'), NULL,
       'https://assets.example/nft/' || n || '.png',
       jsonb_build_object('building', (ARRAY['KAI', 'TEJ', 'UEB', 'ORI'])[1 + n % 4], 'rarity', pg_temp.pick(ARRAY['common', 'common', 'rare'], 'rarity', n)),
       at, at
  FROM (SELECT n, :'day'::timestamptz - pg_temp.days(150 * pg_temp.dice('minted', n)) AS at
          FROM generate_series(1, 120) AS n) AS nft;

INSERT INTO blockchain.reward_history (id, user_id, transaction_id, reward_type, amount, reason, metadata, distributed_at)
SELECT pg_temp.id('reward', n), w.user_id, t.id, pg_temp.pick(ARRAY['referral', 'energy saved', 'review'], 'reward', n),
       t.amount, NULL, jsonb_build_object('round', n / 50), t.created_at
  FROM generate_series(1, 250) AS n
  JOIN blockchain.fodi_transactions AS t ON t.id = pg_temp.id('transaction', n * 8)
  JOIN blockchain.wallets AS w ON w.id = t.to_wallet_id;

-- Thirty days, hour by hour: quiet nights and weekends, a slow growth, and one bad afternoon.
INSERT INTO analytics.metrics (name, value, labels, recorded_at)
SELECT name,
       round((base * (1 + 0.8 * greatest(0, sin((extract(hour FROM at) - 6) / 24.0 * 2 * pi())) * CASE WHEN extract(isodow FROM at) > 5 THEN 0.2 ELSE 1 END)
           * (1 + n / 2400.0) * (0.9 + 0.2 * pg_temp.dice(name, n))
           * CASE WHEN n BETWEEN 542 AND 545 AND name IN ('request_ms', 'errors') THEN 6 ELSE 1 END)::numeric, 2),
       jsonb_build_object('service', service, 'region', (ARRAY['eu-north', 'eu-west'])[1 + n % 2]), at
  FROM (SELECT n, :'day'::timestamptz - make_interval(hours => 720 - n) AS at FROM generate_series(0, 719) AS n) AS hour
 CROSS JOIN (VALUES ('requests', 4000, 'api'), ('request_ms', 38, 'api'), ('errors', 3, 'api'), ('active_users', 60, 'web'), ('objects_edited', 220, 'cad'),
                    ('sync_conflicts', 0.3, 'sync'), ('energy_kwh', 310, 'buildings'),
                    ('tokens_used', 9000, 'assist')) AS metric (name, base, service)
 ORDER BY n, name;

INSERT INTO analytics.events (event_type, user_id, source, payload, occurred_at)
SELECT pg_temp.pick(ARRAY['page_view', 'page_view', 'page_view', 'search', 'export', 'sign_up', 'login'], 'event', n),
       pg_temp.id('user', pg_temp.someone('event', n)),
       pg_temp.pick(ARRAY['web', 'web', 'mobile', 'api'], 'source', n),
       jsonb_build_object('path', pg_temp.pick(ARRAY['/map', '/projects', '/files', '/keys', '/orders'], 'path', n), 'ms', 15 + n * 7 % 700),
       :'day'::timestamptz - pg_temp.days(30 * (8000 - n + pg_temp.dice('event', n)) / 8000)
  FROM generate_series(1, 8000) AS n
 ORDER BY n;

SELECT analytics.refresh_daily_stats();

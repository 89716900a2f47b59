-- What the platform's sample is made of. Everything follows from a name and a number by hashing: two demos of one day
-- hold the same data. `day` is that day, a psql variable; nothing of the past lies after its beginning.

-- A number from 0 to below 1 that belongs to (what, n).
CREATE FUNCTION pg_temp.dice(what text, n bigint) RETURNS double precision IMMUTABLE LANGUAGE sql AS $$
    SELECT (hashtextextended(what, n) & 9007199254740991) / 9007199254740992.0::double precision
$$;

CREATE FUNCTION pg_temp.pick(words text[], what text, n bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT words[1 + floor(pg_temp.dice(what, n) * cardinality(words))::int]
$$;

-- Has the form of a random UUID (version 4).
CREATE FUNCTION pg_temp.id(what text, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT overlay(overlay(md5(what || n) PLACING '4' FROM 13) PLACING 'a' FROM 17)::uuid
$$;

CREATE FUNCTION pg_temp.days(number double precision) RETURNS interval IMMUTABLE LANGUAGE sql AS $$
    SELECT make_interval(secs => round(number * 86400))
$$;

-- The user number that (what, n) belongs to: few do much, most do little.
CREATE FUNCTION pg_temp.someone(what text, n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
    SELECT 1 + floor(400 * power(pg_temp.dice(what, n), 1.7))::bigint
$$;

CREATE FUNCTION pg_temp.address(what text, n bigint) RETURNS inet IMMUTABLE LANGUAGE sql AS $$
    SELECT '198.18.0.0'::inet + floor(131072 * pg_temp.dice(what, n))::bigint
$$;

CREATE FUNCTION pg_temp.browser(what text, n bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT pg_temp.pick(ARRAY[
        'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15',
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
        'ArxOS-Mobile/4.2 (iOS 18.5)',
        'python-httpx/0.28.1'
    ], what, n)
$$;

-- A start that was cut off after this had been done leaves it without its mark: then it is done again.
TRUNCATE arxos_core.users, arxos_core.projects, arxos_core.files, arxos_core.api_keys, arxos_core.sessions,
         arxos_core.audit_logs, arxos_cad.objects, arxos_cad.constraints, arxos_sync.sessions, arxos_sync.conflicts,
         arxos_gus.sessions, arxos_gus.interactions, arxos_gus.knowledge_base, gaia.chat_messages, gaia.assets,
         collex.user_preferences, collex.roles, collex.permissions, collex.user_sessions, collex.user_activities,
         assist.conversations, assist.messages, assist.agent_states, assist.usage_analytics, commerce.businesses,
         commerce.products, commerce.orders, commerce.order_items, ai.cache_entries, ai.conversations,
         ai.memory_facts, ai.learning_data, blockchain.wallets, blockchain.fodi_transactions,
         blockchain.nft_metadata, blockchain.reward_history, analytics.metrics, analytics.events
RESTART IDENTITY;

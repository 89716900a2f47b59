-- What the shop's visitors did, and what is counted from it.
CREATE TABLE events (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened timestamptz NOT NULL DEFAULT now(),
    visitor  bigint NOT NULL,
    kind     text NOT NULL,
    page     text NOT NULL,
    details  jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE hourly_visits (
    hour     timestamptz NOT NULL,
    kind     text NOT NULL,
    visitors bigint NOT NULL,
    events   bigint NOT NULL,
    PRIMARY KEY (hour, kind)
);

INSERT INTO events (happened, visitor, kind, page, details)
SELECT now() - (30000 - n) * interval '20 seconds',
       n * 31 % 3000,
       (ARRAY['view', 'view', 'view', 'search', 'basket', 'checkout'])[1 + n % 6],
       '/product/' || (1 + n * 13 % 600),
       jsonb_build_object('ms', 20 + n * 7 % 900)
  FROM generate_series(1, 30000) AS n;

CREATE INDEX events_by_time ON events (happened);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app, etl;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app, etl;
GRANT MAINTAIN ON events TO etl;

ANALYZE;

-- The statistics begin with the load, not with the making of its tables.
SELECT pg_stat_statements_reset();

-- Roles and databases of the demo server. Run once, in template1, so that every later database has the extension.
CREATE EXTENSION pg_stat_statements;

CREATE ROLE dbconsole SUPERUSER LOGIN;
CREATE ROLE app LOGIN;
CREATE ROLE worker LOGIN;
CREATE ROLE billing LOGIN;
CREATE ROLE reporting LOGIN;
CREATE ROLE etl LOGIN;
-- The one role that logs in with a password, so that a wrong password can be seen in the log.
CREATE ROLE partner LOGIN PASSWORD 'not-the-one-that-is-tried';
GRANT pg_read_all_data TO reporting, etl;
ALTER ROLE reporting SET work_mem = '64kB';

CREATE DATABASE shop OWNER dbconsole;
CREATE DATABASE analytics OWNER dbconsole;

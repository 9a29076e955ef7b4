-- name: version
SELECT current_setting('server_version_num')::int, current_setting('server_version');

-- name: limit
-- For this transaction only: a pooler gives the connection to somebody else afterwards.
SELECT
    set_config('statement_timeout', %(limit)s, true),
    set_config('lock_timeout', %(limit)s, true),
    set_config('idle_in_transaction_session_timeout', %(limit)s, true);

-- name: limit_whole
-- The same from PostgreSQL 17 on. It does not look for who is idle in a transaction after a
-- pipeline: a daemon that stands still there would keep its rows locked for ever.
SELECT
    set_config('statement_timeout', %(limit)s, true),
    set_config('lock_timeout', %(limit)s, true),
    set_config('idle_in_transaction_session_timeout', %(limit)s, true),
    set_config('transaction_timeout', %(limit)s, true);

-- name: process
-- The one that serves this connection.
SELECT pg_backend_pid();

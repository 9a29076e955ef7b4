-- name: alone
-- One daemon at a time. Of the transaction, since a pooler keeps no session.
SELECT pg_advisory_xact_lock(7217, 1);

-- name: table
SELECT to_regclass('robotq.migrations') IS NOT NULL;

-- name: schema
CREATE SCHEMA IF NOT EXISTS robotq;

-- name: make
CREATE TABLE IF NOT EXISTS robotq.migrations (
    number     integer PRIMARY KEY,
    name       text        NOT NULL,
    -- expand: works beside a robotq that does not know it. contract: removes what such a one needs.
    phase      text        NOT NULL,
    -- the robotq that has run it
    by_version text        NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);

-- name: done
SELECT number, phase FROM robotq.migrations ORDER BY number;

-- name: note
INSERT INTO robotq.migrations (number, name, phase, by_version) VALUES (%s, %s, %s, %s);

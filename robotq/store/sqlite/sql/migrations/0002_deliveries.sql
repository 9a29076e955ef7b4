-- Webhooks: the end of a task on its way to whoever wants to hear of it.
CREATE TABLE deliveries (
    task_id            TEXT    NOT NULL,
    receiver           TEXT    NOT NULL,
    url                TEXT    NOT NULL,
    created_at_ms      INTEGER NOT NULL,
    state              TEXT    NOT NULL,
    attempts           INTEGER NOT NULL,
    -- code and arguments, JSON
    problem            TEXT,
    next_attempt_at_ms INTEGER,
    ended_at_ms        INTEGER,
    PRIMARY KEY (task_id, receiver)
) STRICT, WITHOUT ROWID;

-- For lists, newest first, and for retention. The primary key follows by itself.
CREATE INDEX deliveries_created ON deliveries (created_at_ms);

-- Few are in any other state than delivered, so a start finds those to be sent, and a person
-- those that were given up, among millions at once.
CREATE INDEX deliveries_open ON deliveries (state, created_at_ms) WHERE state <> 'delivered';

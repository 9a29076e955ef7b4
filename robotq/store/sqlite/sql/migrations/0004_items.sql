-- The checklist: what people do. Plain rows that are changed and removed, unlike tasks.
CREATE TABLE items (
    -- a UUID; later ones are greater
    id              TEXT    PRIMARY KEY,
    title           TEXT    NOT NULL,
    description     TEXT,
    -- pending, in_progress, completed
    status          TEXT    NOT NULL,
    -- low, medium, high
    priority        TEXT,
    session_id      TEXT,
    batch_id        TEXT,
    due_date_ms     INTEGER,
    completed_at_ms INTEGER,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    -- the task in a robot's queue that waits for this
    task_id         TEXT,
    revision        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A task has one item at most.
CREATE UNIQUE INDEX items_task ON items (task_id) WHERE task_id IS NOT NULL;

-- For lists: the latest changes first, of all and of one session; and the items of a batch.
CREATE INDEX items_updated ON items (updated_at_ms);
CREATE INDEX items_session ON items (session_id, updated_at_ms) WHERE session_id IS NOT NULL;
CREATE INDEX items_batch ON items (batch_id) WHERE batch_id IS NOT NULL;

-- Items that were made together. One stays when all of its items are gone.
CREATE TABLE item_batches (
    id            TEXT    PRIMARY KEY,
    session_id    TEXT,
    reason        TEXT,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX item_batches_created ON item_batches (created_at_ms, id);
CREATE INDEX item_batches_session ON item_batches (session_id, created_at_ms, id)
    WHERE session_id IS NOT NULL;

-- Times are integers, milliseconds since the epoch. JSON is text, written by orjson.

-- What a task is searched and fenced by has a column of its own; everything else about it is
-- in `rest`, by the names of the record's fields, without those that have their default.
CREATE TABLE tasks (
    -- AUTOINCREMENT: a number of arrival is not given again after its task was removed
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL,
    api             TEXT    NOT NULL,
    queue           TEXT    NOT NULL,
    cmd_type        TEXT    NOT NULL,
    cmd_id          TEXT,
    batch_id        TEXT,
    submitted_at_ms INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    revision        INTEGER NOT NULL,
    ended_at_ms     INTEGER,
    -- drawn from `rest`, for searching only
    error_code      TEXT,
    -- 1 while a person has yet to say how the task ended: retention keeps it
    unresolved      INTEGER NOT NULL,
    rest            TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX tasks_id ON tasks (id);

-- The net under "one command at a time": whatever goes wrong above, a robot's queue cannot
-- have two running tasks.
CREATE UNIQUE INDEX tasks_one_running_per_robot ON tasks (queue)
    WHERE state = 'running' AND api = 'robot';

-- Few tasks are in any other state than completed, so a start finds the unfinished ones, and
-- a user the failed ones, among millions at once.
CREATE INDEX tasks_not_completed ON tasks (state) WHERE state <> 'completed';

CREATE INDEX tasks_ended ON tasks (ended_at_ms) WHERE ended_at_ms IS NOT NULL;
CREATE INDEX tasks_cmd_id ON tasks (cmd_id) WHERE cmd_id IS NOT NULL;
CREATE INDEX tasks_batch_id ON tasks (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX tasks_error_code ON tasks (error_code) WHERE error_code IS NOT NULL;

-- Tasks ever accepted by the state they are in, or were in when retention removed them.
CREATE TABLE counts (
    api   TEXT    NOT NULL,
    queue TEXT    NOT NULL,
    state TEXT    NOT NULL,
    tasks INTEGER NOT NULL,
    PRIMARY KEY (api, queue, state)
) STRICT, WITHOUT ROWID;

-- The journal. Rows are only ever added at the end and removed at the beginning.
CREATE TABLE events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT    NOT NULL,
    at_ms   INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    api     TEXT,
    robot   TEXT,
    task_id TEXT,
    before  TEXT,
    after   TEXT,
    data    TEXT    NOT NULL
) STRICT;

-- By the part of a task id that says the second: the rest of it is scattered, and an entry in
-- a random page for every event would take a sixth of the writer's time at full load.
CREATE INDEX events_task ON events (substr(task_id, 1, 20)) WHERE task_id IS NOT NULL;

-- For retention: the wall clock may have been wrong, so ids are not in the order of times.
CREATE INDEX events_at ON events (at_ms);

CREATE TABLE holds (
    robot    TEXT    NOT NULL,
    code     TEXT    NOT NULL,
    since_ms INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    task_id  TEXT,
    args     TEXT    NOT NULL,
    PRIMARY KEY (robot, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE occupancies (
    resource TEXT    PRIMARY KEY,
    robot    TEXT    NOT NULL,
    since_ms INTEGER NOT NULL,
    task_id  TEXT
) STRICT, WITHOUT ROWID;

-- What was answered to submits with an Idempotency-Key.
CREATE TABLE answers (
    scope       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX answers_at ON answers (at_ms);

CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row, written to find out whether the disk takes writes.
CREATE TABLE probe (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    tries INTEGER NOT NULL
) STRICT;

INSERT INTO probe (id, tries) VALUES (1, 0);

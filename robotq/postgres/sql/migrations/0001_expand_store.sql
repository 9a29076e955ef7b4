-- Times are integers, milliseconds since the epoch. JSON is text, written by orjson: the type jsonb
-- has no place for \u0000. Texts that are sorted go by their bytes, as in SQLite.

-- Whoever writes takes this row first, so commits have an order, numbers have no gaps, and no two
-- writers can wait for each other. One round trip carries a whole commit, so it is held for as
-- long as the server needs and not for as long as a network takes.
CREATE TABLE robotq.numbers (
    id     integer PRIMARY KEY CHECK (id = 1),
    -- of the last commit that changed a task
    change bigint NOT NULL,
    -- of the last row of the journal, also where it is gone
    event  bigint NOT NULL,
    -- the last number of arrival, also of a task that is gone
    seq    bigint NOT NULL,
    -- written to find out whether the database takes writes
    probes bigint NOT NULL
);
INSERT INTO robotq.numbers (id, change, event, seq, probes) VALUES (1, 0, 0, 0, 0);

-- What a task is searched and fenced by has a column of its own; everything else about it is
-- in `rest`, by the names of the record's fields, without those that have their default.
CREATE TABLE robotq.tasks (
    seq             bigint  PRIMARY KEY,
    id              text    COLLATE "C" NOT NULL,
    api             text    COLLATE "C" NOT NULL,
    queue           text    COLLATE "C" NOT NULL,
    cmd_type        text    COLLATE "C" NOT NULL,
    cmd_id          text    COLLATE "C",
    batch_id        text    COLLATE "C",
    submitted_at_ms bigint  NOT NULL,
    state           text    COLLATE "C" NOT NULL,
    revision        bigint  NOT NULL,
    ended_at_ms     bigint,
    -- drawn from `rest`, for searching only, as are those below it
    error_code      text    COLLATE "C",
    -- true while a person has yet to say how the task ended: retention keeps it
    unresolved      boolean NOT NULL,
    rest            text    NOT NULL,
    repeat_of       text    COLLATE "C",
    priority        integer NOT NULL,
    rank            double precision NOT NULL,
    -- what a worker has to match; none for the task of a robot
    match           text    COLLATE "C",
    -- each as JSON, between line feeds
    tags            text,
    -- by which commit it was written: other daemons ask for what came after the one they know
    change          bigint  NOT NULL
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);

CREATE UNIQUE INDEX tasks_id ON robotq.tasks (id);

-- The net under "one command at a time": whatever goes wrong above, a robot's queue cannot
-- have two running tasks.
CREATE UNIQUE INDEX tasks_one_running_per_robot ON robotq.tasks (queue)
    WHERE state = 'running' AND api = 'robot';

-- What a worker gets next.
CREATE INDEX tasks_next ON robotq.tasks (queue, match, priority DESC, rank, seq)
    WHERE state = 'pending' AND match IS NOT NULL;

CREATE INDEX tasks_change ON robotq.tasks (change);
CREATE INDEX tasks_unfinished ON robotq.tasks (seq) WHERE state IN ('pending', 'running');
CREATE INDEX tasks_api ON robotq.tasks (api, seq);
CREATE INDEX tasks_ended ON robotq.tasks (ended_at_ms) WHERE ended_at_ms IS NOT NULL;
CREATE INDEX tasks_cmd_id ON robotq.tasks (cmd_id) WHERE cmd_id IS NOT NULL;
CREATE INDEX tasks_batch_id ON robotq.tasks (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX tasks_error_code ON robotq.tasks (error_code) WHERE error_code IS NOT NULL;
CREATE INDEX tasks_repeat_of ON robotq.tasks (repeat_of) WHERE repeat_of IS NOT NULL;

CREATE TABLE robotq.steps (
    task   bigint  NOT NULL REFERENCES robotq.tasks (seq) ON DELETE CASCADE,
    number integer NOT NULL,
    step   text    NOT NULL,
    PRIMARY KEY (task, number)
);

CREATE TABLE robotq.programs (
    task   bigint NOT NULL REFERENCES robotq.tasks (seq) ON DELETE CASCADE,
    sha256 text   COLLATE "C" NOT NULL,
    PRIMARY KEY (task, sha256)
);
CREATE INDEX programs_sha256 ON robotq.programs (sha256);

CREATE TABLE robotq.artifacts (
    task   bigint NOT NULL REFERENCES robotq.tasks (seq) ON DELETE CASCADE,
    sha256 text   COLLATE "C" NOT NULL,
    size   bigint NOT NULL,
    PRIMARY KEY (task, sha256)
);
CREATE INDEX artifacts_file ON robotq.artifacts (sha256);

-- Tasks ever accepted by the state they are in, or were in when retention removed them.
CREATE TABLE robotq.counts (
    api   text   COLLATE "C" NOT NULL,
    queue text   COLLATE "C" NOT NULL,
    state text   COLLATE "C" NOT NULL,
    tasks bigint NOT NULL,
    PRIMARY KEY (api, queue, state)
) WITH (fillfactor = 50);

-- The journal. Its numbers are in the order of the commits, so whoever has read up to one of them
-- has missed nothing.
CREATE TABLE robotq.events (
    id      bigint PRIMARY KEY,
    kind    text   NOT NULL,
    at_ms   bigint NOT NULL,
    actor   text   NOT NULL,
    api     text   COLLATE "C",
    robot   text   COLLATE "C",
    task_id text   COLLATE "C",
    before  text,
    after   text,
    data    text   NOT NULL
);
CREATE INDEX events_task ON robotq.events (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX events_at ON robotq.events (at_ms);

CREATE TABLE robotq.holds (
    robot    text   COLLATE "C" NOT NULL,
    code     text   COLLATE "C" NOT NULL,
    since_ms bigint NOT NULL,
    actor    text   NOT NULL,
    task_id  text,
    args     text   NOT NULL,
    PRIMARY KEY (robot, code)
);

CREATE TABLE robotq.occupancies (
    resource text   COLLATE "C" PRIMARY KEY,
    robot    text   NOT NULL,
    since_ms bigint NOT NULL,
    task_id  text
);

-- What was answered to submits with an Idempotency-Key.
CREATE TABLE robotq.answers (
    scope       text   COLLATE "C" NOT NULL,
    key         text   COLLATE "C" NOT NULL,
    fingerprint text   NOT NULL,
    body        text   NOT NULL,
    -- of its tasks
    task_ids    text[] NOT NULL,
    at_ms       bigint NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX answers_at ON robotq.answers (at_ms);

CREATE TABLE robotq.facts (
    name  text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Webhooks: the end of a task on its way to whoever wants to hear of it.
CREATE TABLE robotq.deliveries (
    task_id            text    COLLATE "C" NOT NULL,
    receiver           text    COLLATE "C" NOT NULL,
    url                text    NOT NULL,
    created_at_ms      bigint  NOT NULL,
    state              text    COLLATE "C" NOT NULL,
    attempts           integer NOT NULL,
    problem            text,
    next_attempt_at_ms bigint,
    ended_at_ms        bigint,
    PRIMARY KEY (task_id, receiver)
);
CREATE INDEX deliveries_created ON robotq.deliveries (created_at_ms, task_id, receiver);
CREATE INDEX deliveries_open ON robotq.deliveries (state, created_at_ms)
    WHERE state <> 'delivered';

-- Numbers that are kept and never counted anew. hour_ms is a full hour, or 0 for all time.
CREATE TABLE robotq.tallies (
    api     text   COLLATE "C" NOT NULL,
    hour_ms bigint NOT NULL,
    name    text   COLLATE "C" NOT NULL,
    value   bigint NOT NULL,
    PRIMARY KEY (api, hour_ms, name)
) WITH (fillfactor = 50);

-- The checklist: what people do.
CREATE TABLE robotq.items (
    id              text   COLLATE "C" PRIMARY KEY,
    title           text   NOT NULL,
    description     text,
    status          text   COLLATE "C" NOT NULL,
    priority        text   COLLATE "C",
    session_id      text   COLLATE "C",
    batch_id        text   COLLATE "C",
    due_date_ms     bigint,
    completed_at_ms bigint,
    created_at_ms   bigint NOT NULL,
    updated_at_ms   bigint NOT NULL,
    task_id         text   COLLATE "C",
    revision        bigint NOT NULL
);
CREATE UNIQUE INDEX items_task ON robotq.items (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX items_updated ON robotq.items (updated_at_ms);
CREATE INDEX items_session ON robotq.items (session_id, updated_at_ms)
    WHERE session_id IS NOT NULL;
CREATE INDEX items_batch ON robotq.items (batch_id) WHERE batch_id IS NOT NULL;

CREATE TABLE robotq.item_batches (
    id            text   COLLATE "C" PRIMARY KEY,
    session_id    text   COLLATE "C",
    reason        text,
    created_at_ms bigint NOT NULL
);
CREATE INDEX item_batches_created ON robotq.item_batches (created_at_ms, id);
CREATE INDEX item_batches_session ON robotq.item_batches (session_id, created_at_ms, id)
    WHERE session_id IS NOT NULL;

-- The last commit of each writer. It is how a writer whose connection broke before the answer
-- came learns what became of a commit, and how one that comes too late is refused.
CREATE TABLE robotq.writers (
    writer  text   PRIMARY KEY,
    -- of its last commit
    token   bigint NOT NULL DEFAULT 0,
    -- of the last commit that was given up as not written
    refused bigint NOT NULL DEFAULT 0,
    -- the number of the journal that its last commit ended at
    event   bigint NOT NULL DEFAULT 0,
    at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Numbers of daemons, so that two of them never give the same number of arrival.
CREATE SEQUENCE robotq.fronts MINVALUE 0 MAXVALUE 1023 CYCLE;

-- Ends the transaction where not all that was to be changed was there. Its message names the
-- first that was not, so that one round trip is enough for a whole commit.
CREATE FUNCTION robotq.expect(wanted text[], changed text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    missing text;
BEGIN
    SELECT one INTO missing FROM (
        SELECT unnest(wanted) AS one EXCEPT ALL SELECT unnest(changed)
    ) AS left_over LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'RQ001', MESSAGE = missing;
    END IF;
END
$$;

-- What daemons tell each other. No row here moves a robot by itself: a daemon takes what is in the
-- inbox into its own queue, by its own rules.

CREATE TABLE robotq.fleet_daemons (
    name       text PRIMARY KEY,
    -- of its data folder: another folder is another daemon, whatever it is called
    home       text        NOT NULL,
    -- of its process: a second one on the same folder is found out
    session    text        NOT NULL,
    -- where the others reach it
    url        text,
    version    text        NOT NULL,
    joined_at  timestamptz NOT NULL DEFAULT now(),
    heard_at   timestamptz NOT NULL DEFAULT now(),
    -- what of its journal is here: up to this event, of this journal
    journal    integer     NOT NULL DEFAULT 1,
    sent_id    bigint      NOT NULL DEFAULT 0,
    state      text        NOT NULL DEFAULT '{}'
);

CREATE TABLE robotq.fleet_robots (
    robot   text PRIMARY KEY,
    daemon  text NOT NULL REFERENCES robotq.fleet_daemons ON DELETE CASCADE
);

CREATE TABLE robotq.fleet_events (
    daemon   text    NOT NULL,
    journal  integer NOT NULL,
    id       bigint  NOT NULL,
    at_ms    bigint  NOT NULL,
    task_id  text,
    record   text    NOT NULL,
    PRIMARY KEY (daemon, journal, id)
);
CREATE INDEX fleet_events_task ON robotq.fleet_events (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX fleet_events_age ON robotq.fleet_events (at_ms);

CREATE TABLE robotq.fleet_tasks (
    daemon           text    NOT NULL,
    task_id          text    NOT NULL,
    seq              bigint  NOT NULL,
    revision         integer NOT NULL,
    api              text    NOT NULL,
    queue            text    NOT NULL,
    state            text    NOT NULL,
    cmd_type         text    NOT NULL,
    cmd_id           text,
    error_code       text,
    submitted_at_ms  bigint  NOT NULL,
    ended_at_ms      bigint,
    record           text    NOT NULL,
    PRIMARY KEY (task_id, daemon)
);
CREATE INDEX fleet_tasks_latest ON robotq.fleet_tasks (submitted_at_ms DESC, daemon DESC, seq DESC);
CREATE INDEX fleet_tasks_queue ON robotq.fleet_tasks (queue, submitted_at_ms DESC);
CREATE INDEX fleet_tasks_open ON robotq.fleet_tasks (daemon) WHERE ended_at_ms IS NULL;
CREATE INDEX fleet_tasks_name ON robotq.fleet_tasks (cmd_id) WHERE cmd_id IS NOT NULL;
CREATE INDEX fleet_tasks_ended ON robotq.fleet_tasks (ended_at_ms) WHERE ended_at_ms IS NOT NULL;

-- waiting: nobody has tried it. taking: its daemon may have it. taken, refused, cancelled, expired.
CREATE TABLE robotq.fleet_inbox (
    id           text PRIMARY KEY,
    robot        text        NOT NULL,
    -- the daemon that has accepted it
    door         text        NOT NULL,
    body         text        NOT NULL,
    caller       text        NOT NULL,
    scopes       text[]      NOT NULL,
    agent        boolean     NOT NULL,
    key_scope    text,
    key          text,
    fingerprint  text,
    accepted_at  timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    state        text        NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'taking', 'taken', 'refused', 'cancelled', 'expired')),
    daemon       text,
    -- the task that it became; another one's where the same key had come to its daemon before
    task_id      text,
    error        text,
    settled_at   timestamptz,
    CHECK ((key IS NULL) = (key_scope IS NULL))
);
CREATE UNIQUE INDEX fleet_inbox_key ON robotq.fleet_inbox (key_scope, key) WHERE key IS NOT NULL;
CREATE INDEX fleet_inbox_open ON robotq.fleet_inbox (robot, accepted_at)
    WHERE state IN ('waiting', 'taking');
CREATE INDEX fleet_inbox_settled ON robotq.fleet_inbox (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE robotq.fleet_stops (
    stop_id   text PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    door      text        NOT NULL,
    actor     text        NOT NULL,
    reason    text        NOT NULL,
    reset_at  timestamptz,
    reset_by  text
);
CREATE INDEX fleet_stops_standing ON robotq.fleet_stops (at) WHERE reset_at IS NULL;

CREATE TABLE robotq.fleet_stopped (
    stop_id  text NOT NULL REFERENCES robotq.fleet_stops ON DELETE CASCADE,
    daemon   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    -- what its robots said, as JSON
    report   text NOT NULL,
    PRIMARY KEY (stop_id, daemon)
);

-- Commands of robots with `durability: fleet`, and what a person hands on from a machine that is
-- gone. Tasks that several daemons share are told by each of them, and kept once.

ALTER TABLE robotq.fleet_events ADD COLUMN same text;
CREATE UNIQUE INDEX fleet_events_same ON robotq.fleet_events (same) WHERE same IS NOT NULL;

-- its daemon asks here, before it begins, what became of it meanwhile
ALTER TABLE robotq.fleet_tasks ADD COLUMN durable boolean NOT NULL DEFAULT false;

CREATE TABLE robotq.fleet_handed_on (
    task_id  text PRIMARY KEY,
    -- that had it
    daemon   text        NOT NULL,
    -- the command in the inbox that it is now
    new_id   text        NOT NULL,
    robot    text        NOT NULL,
    actor    text        NOT NULL,
    reason   text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    -- what its daemon has said when it came back: cancelled, absent, or the state it was in
    found    text
);
CREATE INDEX fleet_handed_on_open ON robotq.fleet_handed_on (daemon) WHERE found IS NULL;

-- Robots that two machines can reach: who drives them, and what went from one to the other.

CREATE TABLE robotq.fleet_leases (
    robot       text PRIMARY KEY,
    -- raised by every take-over, never lowered
    epoch       bigint      NOT NULL,
    -- the daemon that drives, its data folder, and its process; without the last nobody drives
    holder      text        NOT NULL,
    home        text        NOT NULL,
    session     text,
    fence       text        NOT NULL,
    -- by the clock of this database; from then on another one may take it
    expires_at  timestamptz NOT NULL,
    -- as JSON: the command with which the robot was begun last, before its first byte
    begun       text,
    -- daemons that drove before, and what they had is not with the holder yet
    before      text[]      NOT NULL DEFAULT '{}',
    -- as JSON: what holds its queue
    holds       text        NOT NULL DEFAULT '[]',
    -- a person says that the machine of the holder is off, and which daemon is to drive
    off_by      text,
    off_for     text
);

-- Who had a task gives it up as soon as it hears of this, and never runs it.
CREATE TABLE robotq.fleet_handed_over (
    task_id  text        NOT NULL,
    giver    text        NOT NULL,
    robot    text        NOT NULL,
    taker    text        NOT NULL,
    epoch    bigint      NOT NULL,
    -- the task as JSON, as it was known then
    record   text        NOT NULL,
    -- the taker has it in its own queue
    done     boolean     NOT NULL DEFAULT false,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task_id, giver)
);
CREATE INDEX fleet_handed_over_giver ON robotq.fleet_handed_over (giver, robot);
CREATE INDEX fleet_handed_over_taker ON robotq.fleet_handed_over (taker, robot);

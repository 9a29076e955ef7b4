-- name: look
SELECT epoch, holder, home, session, fence, extract(epoch FROM expires_at - now())::float8, begun,
    holds, off_by, off_for, before
FROM robotq.fleet_leases WHERE robot = %(robot)s;

-- name: lock
SELECT epoch, holder, home, session, fence, extract(epoch FROM expires_at - clock_timestamp())::float8,
    begun, holds, off_by, off_for, before
FROM robotq.fleet_leases WHERE robot = %(robot)s FOR UPDATE;

-- name: first
INSERT INTO robotq.fleet_leases (robot, epoch, holder, home, session, fence, expires_at)
VALUES (%(robot)s, %(epoch)s, %(name)s, %(home)s, %(session)s, %(fence)s,
    now() + make_interval(secs => %(lease_s)s))
ON CONFLICT (robot) DO NOTHING RETURNING epoch;

-- name: take
UPDATE robotq.fleet_leases
SET epoch = %(epoch)s, holder = %(name)s, home = %(home)s, session = %(session)s,
    fence = %(fence)s, expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
    off_by = NULL, off_for = NULL, before = %(before)s
WHERE robot = %(robot)s;

-- name: another
-- A daemon that drives the robot without any lease.
SELECT daemon FROM robotq.fleet_robots
WHERE robot = %(robot)s AND daemon <> %(name)s AND daemon IS DISTINCT FROM %(holder)s;

-- name: ours
INSERT INTO robotq.fleet_robots (robot, daemon) VALUES (%(robot)s, %(name)s)
ON CONFLICT (robot) DO UPDATE SET daemon = excluded.daemon;

-- name: renew
-- One that has run out is ours all the same, as long as nobody has taken it.
UPDATE robotq.fleet_leases
SET expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s), holds = coalesce(%(holds)s::text, holds),
    before = CASE WHEN %(holds)s::text IS NULL THEN before ELSE '{}' END
WHERE robot = %(robot)s AND epoch = %(epoch)s AND session = %(session)s
RETURNING epoch;

-- name: begin
UPDATE robotq.fleet_leases
SET expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s), holds = %(holds)s,
    begun = %(begun)s
WHERE robot = %(robot)s AND epoch = %(epoch)s AND session = %(session)s
RETURNING epoch;

-- name: give_up
-- The device has a higher epoch. Whoever has it may drive for as long as its lease lasts.
UPDATE robotq.fleet_leases
SET epoch = %(higher)s, session = NULL, expires_at = clock_timestamp()
    + make_interval(secs => %(lease_s)s)
WHERE robot = %(robot)s AND epoch = %(epoch)s AND session = %(session)s;

-- name: off
UPDATE robotq.fleet_leases SET off_by = %(actor)s, off_for = %(name)s
WHERE robot = %(robot)s AND epoch = %(epoch)s AND expires_at < now() RETURNING epoch;

-- name: keep
-- Nobody hands one of these on to another robot before the transaction ends.
SELECT t.task_id FROM robotq.fleet_tasks AS t
WHERE t.queue = %(robot)s AND t.daemon <> %(name)s AND t.ended_at_ms IS NULL
ORDER BY t.task_id FOR UPDATE OF t;

-- name: unfinished
-- What the daemon that drove before has, and what it has taken over and not told of yet, under the id
-- that this has there.
SELECT t.daemon, t.record, t.task_id FROM robotq.fleet_tasks AS t
WHERE t.queue = %(robot)s AND t.daemon = %(giver)s AND t.ended_at_ms IS NULL AND NOT EXISTS (
    SELECT FROM robotq.fleet_handed_over AS h WHERE h.task_id = t.task_id AND h.giver = t.daemon)
    AND NOT EXISTS (SELECT FROM robotq.fleet_handed_on AS o
        WHERE o.task_id = t.task_id AND o.daemon = t.daemon)
UNION ALL
SELECT taken.taker, taken.record, taken.there FROM (
    SELECT h.*, CASE WHEN EXISTS (
        -- it had it before, and gave it away
        SELECT FROM robotq.fleet_handed_over AS before WHERE before.task_id = h.task_id
            AND before.giver = h.taker AND before.epoch < h.epoch)
        THEN split_part(h.task_id, '-', 1) || '-' || h.epoch || '-' || h.giver
        ELSE h.task_id END AS there
    FROM robotq.fleet_handed_over AS h
    -- what it has on its own disk it tells of when it is back, or has told that it had been done
    WHERE h.robot = %(robot)s AND h.taker = %(giver)s AND NOT h.done
) AS taken
WHERE NOT EXISTS (SELECT FROM robotq.fleet_tasks AS t
        WHERE t.task_id = taken.there AND t.daemon = taken.taker)
    -- somebody has carried it out
    AND NOT EXISTS (SELECT FROM robotq.fleet_tasks AS t
        WHERE t.task_id IN (taken.there, taken.task_id, split_part(taken.task_id, '-', 1))
            AND t.ended_at_ms IS NOT NULL AND t.error_code IS DISTINCT FROM 'handed_over')
    AND NOT EXISTS (SELECT FROM robotq.fleet_handed_over AS later
        WHERE later.task_id = taken.there AND later.giver = taken.taker
            AND later.epoch > taken.epoch);

-- name: elsewhere
-- What daemons that are there, and do not drive the robot, have accepted for it.
SELECT t.daemon, t.record, t.task_id FROM robotq.fleet_tasks AS t
JOIN robotq.fleet_daemons AS d ON d.name = t.daemon
WHERE t.queue = %(robot)s AND t.daemon <> %(name)s AND t.ended_at_ms IS NULL
    AND d.heard_at > now() - make_interval(secs => %(away_s)s) AND NOT EXISTS (
    SELECT FROM robotq.fleet_handed_over AS h WHERE h.task_id = t.task_id AND h.giver = t.daemon)
    AND NOT EXISTS (SELECT FROM robotq.fleet_handed_on AS o
        WHERE o.task_id = t.task_id AND o.daemon = t.daemon)
ORDER BY t.submitted_at_ms, t.seq LIMIT 500;

-- name: hand_over
INSERT INTO robotq.fleet_handed_over (task_id, giver, robot, taker, epoch, record)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (task_id, giver) DO NOTHING;

-- name: taken
-- What this daemon has taken over, and has to have in its own queue; not what another one has taken
-- over from it before it had.
SELECT giver, record, epoch FROM robotq.fleet_handed_over AS h
WHERE taker = %(name)s AND robot = %(robot)s AND NOT done
    AND NOT EXISTS (SELECT FROM robotq.fleet_handed_over AS later
        WHERE later.task_id IN (
                h.task_id, split_part(h.task_id, '-', 1) || '-' || h.epoch || '-' || h.giver)
            AND later.giver = h.taker AND later.epoch > h.epoch)
ORDER BY at, task_id LIMIT 10000;

-- name: done
UPDATE robotq.fleet_handed_over SET done = true
WHERE task_id = %(task_id)s AND giver = %(giver)s;

-- name: given
SELECT task_id, taker, epoch FROM robotq.fleet_handed_over
WHERE giver = %(name)s AND robot = %(robot)s AND task_id = ANY (%(unfinished)s::text[]);

-- name: begun_to_take
SELECT id FROM robotq.fleet_inbox
WHERE state = 'taking' AND daemon = %(name)s AND robot = %(robot)s
    -- an older one may have run, and its task may have been removed
    AND accepted_at > now() - make_interval(secs => %(keeps_s)s) LIMIT 100;

-- name: prune
DELETE FROM robotq.fleet_handed_over AS h WHERE h.at < now() - interval '90 days' AND EXISTS (
    SELECT FROM robotq.fleet_tasks AS t
    WHERE t.task_id = h.task_id AND t.daemon = h.giver AND t.ended_at_ms IS NOT NULL);

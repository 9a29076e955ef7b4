-- name: task
SELECT t.daemon, t.state, t.queue, t.record, t.durable,
    coalesce(d.heard_at > now() - make_interval(secs => %(away_s)s) AND d.session <> '', false)
FROM robotq.fleet_tasks AS t LEFT JOIN robotq.fleet_daemons AS d ON d.name = t.daemon
WHERE t.task_id = %(task_id)s ORDER BY t.submitted_at_ms DESC LIMIT 1 FOR UPDATE OF t;

-- name: at
-- Who may still carry out a task with this id. Two: they have made one id for two tasks.
SELECT t.daemon FROM robotq.fleet_tasks AS t
WHERE t.task_id = %(task_id)s AND t.ended_at_ms IS NULL AND NOT EXISTS (
    SELECT FROM robotq.fleet_handed_over AS h WHERE h.task_id = t.task_id AND h.giver = t.daemon);

-- name: row
-- What it came with. One whose daemon never told of it stands only here.
SELECT i.id, i.daemon, i.door, i.robot, i.body, i.state,
    coalesce(d.heard_at > now() - make_interval(secs => %(away_s)s) AND d.session <> '', false)
FROM robotq.fleet_inbox AS i LEFT JOIN robotq.fleet_daemons AS d ON d.name = i.daemon
WHERE i.id = %(task_id)s OR i.task_id = %(task_id)s
ORDER BY (i.id = %(task_id)s) DESC LIMIT 1 FOR UPDATE OF i;

-- name: drives
SELECT daemon FROM robotq.fleet_robots WHERE robot = %(robot)s;

-- name: hand_on
-- Not what another machine has taken over with its robot: it is there under the same id.
INSERT INTO robotq.fleet_handed_on (task_id, daemon, new_id, robot, actor, reason)
SELECT %(task_id)s, %(daemon)s, %(new_id)s, %(robot)s, %(actor)s, %(reason)s
WHERE NOT EXISTS (SELECT FROM robotq.fleet_handed_over AS h
    WHERE h.task_id = %(task_id)s AND h.giver = %(daemon)s)
ON CONFLICT (task_id) DO NOTHING RETURNING new_id;

-- name: handed
SELECT new_id, daemon, robot, actor, (extract(epoch FROM at) * 1000)::bigint, found
FROM robotq.fleet_handed_on WHERE task_id = %(task_id)s;

-- name: into_inbox
INSERT INTO robotq.fleet_inbox (id, robot, door, body, caller, scopes, agent, expires_at)
VALUES (%(new_id)s, %(robot)s, %(door)s, %(body)s, %(actor)s, %(scopes)s, false,
    to_timestamp(%(expires_at_ms)s::float8 / 1000));

-- name: not_taken
UPDATE robotq.fleet_inbox SET state = 'cancelled', error = %(error)s, settled_at = now()
WHERE id = %(id)s AND state IN ('waiting', 'taking');

-- name: open
SELECT task_id, new_id, robot, actor FROM robotq.fleet_handed_on
WHERE daemon = %(name)s AND found IS NULL ORDER BY at, task_id LIMIT %(limit)s;

-- name: found
UPDATE robotq.fleet_handed_on SET found = %(found)s WHERE task_id = %(task_id)s;

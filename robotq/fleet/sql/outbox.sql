-- name: place
-- Locked to the end of the transaction: two processes with one name do not send the same twice.
SELECT journal, sent_id FROM robotq.fleet_daemons
WHERE name = %(name)s AND session = %(session)s FOR UPDATE;

-- name: event
INSERT INTO robotq.fleet_events (daemon, journal, id, at_ms, task_id, same, record)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (same) WHERE same IS NOT NULL DO NOTHING;

-- name: task
INSERT INTO robotq.fleet_tasks AS t (daemon, task_id, seq, revision, api, queue, state, cmd_type,
    cmd_id, error_code, submitted_at_ms, ended_at_ms, durable, record)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (task_id, daemon) DO UPDATE
SET seq = excluded.seq, revision = excluded.revision, queue = excluded.queue,
    state = excluded.state, error_code = excluded.error_code,
    ended_at_ms = excluded.ended_at_ms, durable = excluded.durable, record = excluded.record
WHERE t.revision <= excluded.revision;

-- name: sent
UPDATE robotq.fleet_daemons SET sent_id = %(sent_id)s, journal = %(journal)s
WHERE name = %(name)s;

-- name: known
SELECT id, at_ms FROM robotq.fleet_events
WHERE daemon = %(name)s AND journal = %(journal)s AND id <= %(id)s ORDER BY id DESC LIMIT 1;

-- name: beyond
SELECT DISTINCT task_id FROM robotq.fleet_events
WHERE daemon = %(name)s AND journal = %(journal)s AND id > %(id)s AND task_id IS NOT NULL;

-- name: not_task
DELETE FROM robotq.fleet_tasks WHERE daemon = %(name)s AND task_id = %(task_id)s;

-- name: insert_task
-- A new task. Refused where its id or its number of arrival is there already.
INSERT INTO tasks (
    api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms,
    error_code, unresolved, rest, seq, id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: update_task
-- The next revision of a task. Changes no row where somebody else has written since.
UPDATE tasks SET
    api = ?, queue = ?, cmd_type = ?, cmd_id = ?, batch_id = ?, submitted_at_ms = ?, state = ?,
    revision = ?, ended_at_ms = ?, error_code = ?, unresolved = ?, rest = ?
WHERE seq = ? AND id = ? AND revision = ? AND state = ?;

-- name: add_to_count
-- Keeps a count by its difference; nothing is ever counted anew.
INSERT INTO counts (api, queue, state, tasks) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET tasks = tasks + excluded.tasks;

-- name: insert_event
INSERT INTO events (kind, at_ms, actor, api, robot, task_id, before, after, data, id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: save_hold
INSERT OR REPLACE INTO holds (robot, code, since_ms, actor, task_id, args)
VALUES (?, ?, ?, ?, ?, ?);

-- name: drop_hold
DELETE FROM holds WHERE robot = ? AND code = ?;

-- name: save_occupancy
INSERT OR REPLACE INTO occupancies (resource, robot, since_ms, task_id) VALUES (?, ?, ?, ?);

-- name: drop_occupancy
DELETE FROM occupancies WHERE resource = ?;

-- name: insert_answer
-- Refused where the key is taken.
INSERT INTO answers (scope, key, fingerprint, body, at_ms) VALUES (?, ?, ?, ?, ?);

-- name: save_delivery
INSERT OR REPLACE INTO deliveries (
    task_id, receiver, url, created_at_ms, state, attempts, problem, next_attempt_at_ms,
    ended_at_ms
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: set_fact
INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?);

-- name: forget_fact
DELETE FROM facts WHERE name = ?;

-- name: probe
UPDATE probe SET tries = tries + 1;

-- name: prune_tasks
-- The tasks that ended first. One whose outcome nobody has resolved stays.
DELETE FROM tasks WHERE seq IN (
    SELECT seq FROM tasks
    WHERE ended_at_ms < ? AND unresolved = 0 AND state IN ('completed', 'failed', 'cancelled')
    ORDER BY ended_at_ms LIMIT ?
);

-- name: prune_events
DELETE FROM events WHERE id IN (
    SELECT id FROM events WHERE at_ms < ? ORDER BY at_ms LIMIT ?
);

-- name: prune_answers
DELETE FROM answers WHERE (scope, key) IN (
    SELECT scope, key FROM answers WHERE at_ms < ? ORDER BY at_ms LIMIT ?
);

-- name: prune_deliveries
-- One that is still to be sent stays.
DELETE FROM deliveries WHERE (task_id, receiver) IN (
    SELECT task_id, receiver FROM deliveries
    WHERE created_at_ms < ? AND state IN ('delivered', 'undelivered')
    ORDER BY created_at_ms LIMIT ?
);

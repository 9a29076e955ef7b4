-- name: update_task
-- The next revision of a task. Changes no row where somebody else has written since.
UPDATE tasks SET
    api = ?, queue = ?, cmd_type = ?, cmd_id = ?, batch_id = ?, submitted_at_ms = ?, state = ?,
    revision = ?, ended_at_ms = ?, error_code = ?, unresolved = ?, rest = ?
WHERE seq = ? AND id = ? AND revision = ? AND state = ?;

-- name: update_state
-- The same where only its state and what is in `rest` can have changed: no index of the other
-- columns is written again.
UPDATE tasks SET
    state = ?, revision = ?, ended_at_ms = ?, error_code = ?, unresolved = ?, rest = ?
WHERE seq = ? AND id = ? AND revision = ? AND state = ?;

-- name: drop_steps
-- Those of a task from a number on.
DELETE FROM steps WHERE task = ? AND number >= ?;

-- name: unname_files
-- Those of a task: its other rows are written anew.
DELETE FROM artifacts WHERE task = ?;

-- name: name_file
INSERT INTO artifacts (task, sha256, size) VALUES (?, ?, ?);

-- name: drop_answer
DELETE FROM answers WHERE scope = ? AND key = ? AND fingerprint = ? AND at_ms = ?;

-- name: save_hold
INSERT OR REPLACE INTO holds (robot, code, since_ms, actor, task_id, args)
VALUES (?, ?, ?, ?, ?, ?);

-- name: drop_hold
DELETE FROM holds WHERE robot = ? AND code = ?;

-- name: save_occupancy
INSERT OR REPLACE INTO occupancies (resource, robot, since_ms, task_id) VALUES (?, ?, ?, ?);

-- name: drop_occupancy
DELETE FROM occupancies WHERE resource = ?;

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
-- The tasks that ended first. One whose outcome nobody has resolved stays. Their steps go with
-- them, so no further ones are taken where the first have 10,000 already: a submit waits.
DELETE FROM tasks WHERE seq IN (
    WITH
        old AS (
            SELECT seq, ended_at_ms, (SELECT count(*) FROM steps WHERE task = tasks.seq) AS steps
            FROM tasks
            WHERE ended_at_ms < ? AND unresolved = 0
                AND state IN ('completed', 'failed', 'cancelled')
            ORDER BY ended_at_ms LIMIT ?
        ),
        in_line AS (
            SELECT seq, sum(steps) OVER (
                ORDER BY ended_at_ms, seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS steps_before
            FROM old
        )
    SELECT seq FROM in_line WHERE coalesce(steps_before, 0) < 10000
);

-- name: prune_events
DELETE FROM events WHERE id IN (
    SELECT id FROM events WHERE at_ms < ? ORDER BY at_ms LIMIT ?
);

-- name: prune_answers
-- A key counts for as long as a task of it is unfinished, and its time begins at their last end.
DELETE FROM answers WHERE (scope, key) IN (
    SELECT scope, key FROM answers
    WHERE at_ms < ?1 AND NOT EXISTS (
        SELECT 1 FROM json_each(answers.body, '$.task_ids') AS of_answer
        JOIN tasks ON tasks.id = of_answer.value
        WHERE tasks.ended_at_ms IS NULL OR tasks.ended_at_ms >= ?1
    )
    ORDER BY at_ms LIMIT ?2
);

-- name: prune_deliveries
-- One that is still to be sent stays.
DELETE FROM deliveries WHERE (task_id, receiver) IN (
    SELECT task_id, receiver FROM deliveries
    WHERE created_at_ms < ? AND state IN ('delivered', 'undelivered')
    ORDER BY created_at_ms LIMIT ?
);

-- name: prune_tallies
-- Those of one hour; what is over all time stays.
DELETE FROM tallies WHERE (api, hour_ms, name) IN (
    SELECT api, hour_ms, name FROM tallies WHERE hour_ms > 0 AND hour_ms < ? LIMIT ?
);

-- name: insert_item
INSERT INTO items (
    title, description, status, priority, session_id, batch_id, due_date_ms, completed_at_ms,
    created_at_ms, updated_at_ms, task_id, revision, id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: update_item
-- The next revision of an item. Changes no row where somebody else has written since.
UPDATE items SET
    title = ?, description = ?, status = ?, priority = ?, session_id = ?, batch_id = ?,
    due_date_ms = ?, completed_at_ms = ?, created_at_ms = ?, updated_at_ms = ?, task_id = ?,
    revision = ?
WHERE id = ? AND revision = ?;

-- name: drop_item
DELETE FROM items WHERE id = ? AND revision = ?;

-- name: mark_item_of
UPDATE items SET
    status = ?1, updated_at_ms = ?2, revision = revision + 1,
    completed_at_ms = CASE ?1 WHEN 'completed' THEN ?2 END
WHERE task_id = ?3 AND status NOT IN (?1, 'completed');

-- name: drop_item_of
DELETE FROM items WHERE task_id = ? AND status <> 'completed';

-- name: insert_item_batch
INSERT INTO item_batches (id, session_id, reason, created_at_ms) VALUES (?, ?, ?, ?);

-- name: prune_items
-- What people put on the list themselves stays until they remove it.
DELETE FROM items WHERE id IN (
    SELECT id FROM items
    WHERE updated_at_ms < ? AND task_id IS NOT NULL AND status = 'completed'
    ORDER BY updated_at_ms LIMIT ?
);

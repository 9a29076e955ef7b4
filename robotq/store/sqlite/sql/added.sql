-- name: task
-- New tasks. Refused where an id or a number of arrival is there already.
INSERT INTO tasks (
    api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms,
    error_code, unresolved, rest, seq, id, repeat_of
) VALUES {rows};

-- name: step
-- Also over what was reported of the same step before.
INSERT OR REPLACE INTO steps (task, number, step) VALUES {rows};

-- name: program
-- The files that new tasks name.
INSERT INTO programs (task, sha256) VALUES {rows};

-- name: event
INSERT INTO events (kind, at_ms, actor, api, robot, task_id, before, after, data, id)
VALUES {rows};

-- name: answer
-- Refused where a key is taken.
INSERT INTO answers (scope, key, fingerprint, body, at_ms) VALUES {rows};

-- name: count
-- Keeps a count by its difference; nothing is ever counted anew.
INSERT INTO counts (api, queue, state, tasks) VALUES {rows}
ON CONFLICT DO UPDATE SET tasks = tasks + excluded.tasks;

-- name: tally
INSERT INTO tallies (api, hour_ms, name, value) VALUES {rows}
ON CONFLICT DO UPDATE SET value = value + excluded.value;

-- name: taken_keys
-- Those of a list of [scope, key] that have their answer already.
SELECT scope, key FROM answers WHERE (scope, key) IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')
    FROM json_each(CAST(? AS TEXT))
);

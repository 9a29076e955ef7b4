-- name: unfinished
-- `state <> 'completed'` adds nothing but the use of the index tasks_not_completed.
SELECT {task} FROM tasks
WHERE state IN ('pending', 'running') AND state <> 'completed'
ORDER BY seq;

-- name: finished
-- The tasks that ended last, latest first.
SELECT {task} FROM tasks
WHERE ended_at_ms IS NOT NULL AND state IN ('completed', 'failed', 'cancelled')
ORDER BY ended_at_ms DESC, seq DESC LIMIT ?;

-- name: counts
SELECT api, queue, state, tasks FROM counts WHERE tasks <> 0;

-- name: holds
SELECT robot, code, since_ms, actor, task_id, args FROM holds ORDER BY since_ms, robot, code;

-- name: occupancies
SELECT resource, robot, since_ms, task_id FROM occupancies ORDER BY resource;

-- name: facts
SELECT name, value FROM facts;

-- name: deliveries_to_send
-- `state <> 'delivered'` adds nothing but the use of the index deliveries_open.
SELECT {delivery} FROM deliveries WHERE state = 'pending' AND state <> 'delivered'
ORDER BY created_at_ms, task_id, receiver;

-- name: deliveries
-- Newest first; the conditions are put in by the query.
SELECT {delivery} FROM deliveries WHERE {conditions}
ORDER BY created_at_ms DESC, task_id DESC, receiver DESC LIMIT ?;

-- name: last_number
-- The highest number that a table has ever given, also to a row that is gone.
SELECT seq FROM sqlite_sequence WHERE name = ?;

-- name: task
SELECT {task} FROM tasks WHERE id = ?;

-- name: tasks
-- Newest first; the conditions are put in by the query.
SELECT {task} FROM tasks WHERE {conditions} ORDER BY seq DESC LIMIT ?;

-- name: jobs
-- Conditions and order are put in by the query.
SELECT {task} FROM tasks WHERE {conditions} ORDER BY {order} LIMIT ? OFFSET ?;

-- name: count_jobs
SELECT count(*) FROM tasks WHERE {conditions};

-- name: stray_steps
-- Of the latest tasks: steps that miss one before them, or their task.
SELECT task, count(*), max(number) + 1 FROM steps
WHERE task > (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tasks') - ?
GROUP BY task
HAVING count(*) <= max(number) OR task NOT IN (SELECT seq FROM tasks);

-- name: events
SELECT {event} FROM events
WHERE id > ?1 AND (?2 IS NULL OR api = ?2)
ORDER BY id LIMIT ?3;

-- name: events_of_task
-- The conditions are those of the index events_task. Without the + SQLite would put ?1 for
-- task_id into the others too, and find no index then.
SELECT {event} FROM events
WHERE substr(task_id, 1, 20) = substr(?1, 1, 20) AND task_id IS NOT NULL AND +task_id = ?1
    AND id > ?2 AND (?3 IS NULL OR api = ?3)
ORDER BY id LIMIT ?4;

-- name: unnamed_files
-- Of these hashes those that no task names.
SELECT value FROM json_each(?1)
WHERE NOT EXISTS (SELECT 1 FROM artifacts WHERE sha256 = value);

-- name: tallies
SELECT api, hour_ms, name, value FROM tallies
WHERE api = ? AND hour_ms BETWEEN ? AND ? ORDER BY hour_ms, name;

-- name: answer
SELECT scope, key, fingerprint, body, at_ms FROM answers WHERE scope = ? AND key = ?;

-- name: items
-- Conditions, order and page are put in by the query.
SELECT {item} FROM items WHERE {conditions} ORDER BY {order} {page};

-- name: count_items
SELECT count(*) FROM items WHERE {conditions};

-- name: item_batches
-- Newest first.
SELECT id, session_id, reason, created_at_ms FROM item_batches WHERE {conditions}
ORDER BY created_at_ms DESC, id DESC LIMIT ? OFFSET ?;

-- name: count_item_batches
SELECT count(*) FROM item_batches WHERE {conditions};

-- name: programs_named
-- Those of a list that some task names.
SELECT value FROM json_each(CAST(? AS TEXT))
WHERE EXISTS (SELECT 1 FROM programs WHERE sha256 = value);

-- name: programs
SELECT DISTINCT sha256 FROM programs;

-- The same for both: {s} is where the tables are, {p} stands for a parameter, {apis} and {scopes}
-- are what is shared. Each list begins with what has the lowest key.

-- name: answers
SELECT scope, key, fingerprint, body, at_ms FROM {s}answers WHERE {scopes}
ORDER BY scope, key LIMIT {p};

-- name: count_answers
SELECT count(*) FROM {s}answers WHERE {scopes};

-- name: take_answers
-- A key that is there already stays as it is.
INSERT INTO {s}answers ({answer}) VALUES ({p}, {p}, {p}, {p}, {p}{of_tasks})
ON CONFLICT (scope, key) DO NOTHING;

-- name: drop_answers
DELETE FROM {s}answers WHERE scope = {p} AND key = {p};

-- name: batches
SELECT id, session_id, reason, created_at_ms FROM {s}item_batches ORDER BY id LIMIT {p};

-- name: count_batches
SELECT count(*) FROM {s}item_batches;

-- name: take_batches
INSERT INTO {s}item_batches (id, session_id, reason, created_at_ms) VALUES ({p}, {p}, {p}, {p});

-- name: drop_batches
DELETE FROM {s}item_batches WHERE id = {p};

-- name: items
SELECT {item} FROM {s}items WHERE task_id IS NULL ORDER BY id LIMIT {p};

-- name: count_items
SELECT count(*) FROM {s}items WHERE task_id IS NULL;

-- name: take_items
INSERT INTO {s}items ({item}) VALUES (
    {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}
);

-- name: drop_items
DELETE FROM {s}items WHERE id = {p};

-- name: deliveries
SELECT {delivery} FROM {s}deliveries
WHERE task_id IN (SELECT id FROM {s}tasks WHERE api IN ({apis}))
ORDER BY task_id, receiver LIMIT {p};

-- name: count_deliveries
SELECT count(*) FROM {s}deliveries
WHERE task_id IN (SELECT id FROM {s}tasks WHERE api IN ({apis}));

-- name: take_deliveries
INSERT INTO {s}deliveries ({delivery}) VALUES ({p}, {p}, {p}, {p}, {p}, {p}, {p}, {p}, {p});

-- name: drop_deliveries
DELETE FROM {s}deliveries WHERE task_id = {p} AND receiver = {p};

-- name: tasks
SELECT {task} FROM {s}tasks AS tasks WHERE api IN ({apis}) ORDER BY seq LIMIT {p};

-- name: count_tasks
SELECT count(*) FROM {s}tasks WHERE api IN ({apis});

-- name: drop_tasks
-- What hangs on them goes with them.
DELETE FROM {s}tasks WHERE seq = {p} AND revision = {p};

-- name: tallies
SELECT api, hour_ms, name, value FROM {s}tallies WHERE api IN ({apis})
ORDER BY api, hour_ms, name LIMIT {p};

-- name: count_tallies
SELECT count(*) FROM {s}tallies WHERE api IN ({apis});

-- name: take_tallies
INSERT INTO {s}tallies AS known (api, hour_ms, name, value) VALUES ({p}, {p}, {p}, {p})
ON CONFLICT (api, hour_ms, name) DO UPDATE SET value = known.value + excluded.value;

-- name: drop_tallies
DELETE FROM {s}tallies WHERE api = {p} AND hour_ms = {p} AND name = {p};

-- name: counts
SELECT api, queue, state, tasks FROM {s}counts WHERE api IN ({apis})
ORDER BY api, queue, state LIMIT {p};

-- name: count_counts
SELECT count(*) FROM {s}counts WHERE api IN ({apis});

-- name: take_counts
INSERT INTO {s}counts AS known (api, queue, state, tasks) VALUES ({p}, {p}, {p}, {p})
ON CONFLICT (api, queue, state) DO UPDATE SET tasks = known.tasks + excluded.tasks;

-- name: drop_counts
DELETE FROM {s}counts WHERE api = {p} AND queue = {p} AND state = {p};

-- name: fact
SELECT value FROM {s}facts WHERE name = {p};

-- name: facts
SELECT name, value FROM {s}facts;

-- name: set_fact
INSERT INTO {s}facts (name, value) VALUES ({p}, {p})
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: forget_fact
DELETE FROM {s}facts WHERE name = {p};

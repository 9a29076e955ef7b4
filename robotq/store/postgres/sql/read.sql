-- name: unfinished
SELECT {task} FROM robotq.tasks WHERE state IN ('pending', 'running') ORDER BY seq;

-- name: finished
-- The tasks that ended last, latest first.
SELECT {task} FROM robotq.tasks
WHERE ended_at_ms IS NOT NULL AND state IN ('completed', 'failed', 'cancelled')
ORDER BY ended_at_ms DESC, seq DESC LIMIT %s;

-- name: counts
SELECT api, queue, state, tasks FROM robotq.counts WHERE tasks <> 0;

-- name: holds
SELECT robot, code, since_ms, actor, task_id, args FROM robotq.holds
ORDER BY since_ms, robot, code;

-- name: occupancies
SELECT resource, robot, since_ms, task_id FROM robotq.occupancies ORDER BY resource;

-- name: facts
SELECT name, value FROM robotq.facts;

-- name: facts_like
SELECT name, value FROM robotq.facts WHERE starts_with(name, %s);

-- name: deliveries_to_send
SELECT {delivery} FROM robotq.deliveries WHERE state = 'pending'
ORDER BY created_at_ms, task_id, receiver;

-- name: deliveries
-- Newest first; the conditions are put in by the query.
SELECT {delivery} FROM robotq.deliveries WHERE {conditions}
ORDER BY created_at_ms DESC, task_id DESC, receiver DESC LIMIT %s;

-- name: numbers
SELECT seq, event, change FROM robotq.numbers;

-- name: task
SELECT {task} FROM robotq.tasks WHERE id = %s;

-- name: tasks
-- Newest first; the conditions are put in by the query.
SELECT {task} FROM robotq.tasks WHERE {conditions} ORDER BY seq DESC LIMIT %s;

-- name: jobs
-- Conditions and order are put in by the query.
SELECT {task} FROM robotq.tasks WHERE {conditions} ORDER BY {order} LIMIT %s OFFSET %s;

-- name: count_jobs
SELECT count(*) FROM robotq.tasks WHERE {conditions};

-- name: changed
-- What was written since a change. A commit is read as a whole, so that its number says how far.
SELECT {task}, change FROM robotq.tasks
WHERE change > %(after)s AND change <= coalesce(
    (
        SELECT change FROM robotq.tasks WHERE change > %(after)s
        ORDER BY change OFFSET %(limit)s LIMIT 1
    ),
    9223372036854775807
)
ORDER BY change, seq;

-- name: front
SELECT nextval('robotq.fronts');

-- name: next
-- What a worker gets next: locked until the end of the transaction, and passed over by all others
-- meanwhile. The CTE is materialised, so that nothing is locked but what is taken.
WITH next AS MATERIALIZED (
    SELECT seq FROM robotq.tasks
    WHERE queue = %(queue)s AND match = %(match)s AND state = 'pending'
    ORDER BY priority DESC, rank, seq
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
SELECT {task} FROM robotq.tasks JOIN next USING (seq)
ORDER BY priority DESC, rank, seq;

-- name: events
SELECT {event} FROM robotq.events
WHERE id > %(after)s AND (%(api)s::text IS NULL OR api = %(api)s)
ORDER BY id LIMIT %(limit)s;

-- name: events_of_task
SELECT {event} FROM robotq.events
WHERE task_id = %(task_id)s AND id > %(after)s AND (%(api)s::text IS NULL OR api = %(api)s)
ORDER BY id LIMIT %(limit)s;

-- name: unnamed_files
-- Of these hashes those that no task names.
SELECT value FROM unnest(%s::text[]) WITH ORDINALITY AS asked(value, place)
WHERE NOT EXISTS (SELECT 1 FROM robotq.artifacts WHERE sha256 = value) ORDER BY place;

-- name: tallies
SELECT api, hour_ms, name, value FROM robotq.tallies
WHERE api = %s AND hour_ms BETWEEN %s AND %s ORDER BY hour_ms, name;

-- name: answer
SELECT scope, key, fingerprint, body, at_ms FROM robotq.answers WHERE scope = %s AND key = %s;

-- name: items
-- Conditions, order and page are put in by the query.
SELECT {item} FROM robotq.items WHERE {conditions} ORDER BY {order} {page};

-- name: count_items
SELECT count(*) FROM robotq.items WHERE {conditions};

-- name: item_batches
-- Newest first.
SELECT id, session_id, reason, created_at_ms FROM robotq.item_batches WHERE {conditions}
ORDER BY created_at_ms DESC, id DESC LIMIT %s OFFSET %s;

-- name: count_item_batches
SELECT count(*) FROM robotq.item_batches WHERE {conditions};

-- name: programs_named
-- Those of a list that some task names.
SELECT value FROM unnest(%s::text[]) AS asked(value)
WHERE EXISTS (SELECT 1 FROM robotq.programs WHERE sha256 = value);

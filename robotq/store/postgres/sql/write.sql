-- name: begin
-- The first statement of every commit: who holds this row writes. The numbers that it gives are
-- used by all statements after it.
UPDATE robotq.numbers SET
    change = change + 1, event = event + %(events)s, seq = greatest(seq, %(seq)s)
RETURNING event;

-- name: fence
-- Refused (see robotq.expect) where this writer was told meanwhile that the commit did not happen.
WITH fenced AS (
    UPDATE robotq.writers SET
        token = %(token)s, event = (SELECT event FROM robotq.numbers), at = now()
    WHERE writer = %(writer)s AND token = %(was)s AND refused < %(token)s RETURNING writer
)
SELECT robotq.expect(ARRAY[%(writer)s::text], (SELECT array_agg(writer) FROM fenced));

-- name: writer
INSERT INTO robotq.writers (writer) VALUES (%(writer)s);

-- name: last_commit
-- What became of it. Waits for a commit that is under way; refuses the one of this number where it
-- comes later. May be asked any number of times.
UPDATE robotq.writers SET refused = %(token)s WHERE writer = %(writer)s RETURNING token, event;

-- name: insert_tasks
INSERT INTO robotq.tasks (
    api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms,
    error_code, unresolved, rest, seq, id, priority, rank, match, tags, repeat_of, change
)
SELECT new.*, (SELECT change FROM robotq.numbers) FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[],
    %s::bigint[], %s::bigint[], %s::text[], %s::boolean[], %s::text[], %s::bigint[], %s::text[],
    %s::integer[], %s::double precision[], %s::text[], %s::text[], %s::text[]
) AS new;

-- name: update_tasks
-- The next revision of each. Refused where somebody else has written since.
WITH new AS (
    SELECT * FROM unnest(
        %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[],
        %s::bigint[], %s::bigint[], %s::text[], %s::boolean[], %s::text[], %s::bigint[],
        %s::text[], %s::integer[], %s::double precision[], %s::text[], %s::text[],
        %s::bigint[], %s::text[]
    ) AS row(
        api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms,
        error_code, unresolved, rest, seq, id, priority, rank, match, tags,
        was_revision, was_state
    )
), changed AS (
    UPDATE robotq.tasks AS task SET
        api = new.api, queue = new.queue, cmd_type = new.cmd_type, cmd_id = new.cmd_id,
        batch_id = new.batch_id, submitted_at_ms = new.submitted_at_ms, state = new.state,
        revision = new.revision, ended_at_ms = new.ended_at_ms, error_code = new.error_code,
        unresolved = new.unresolved, rest = new.rest, priority = new.priority, rank = new.rank,
        match = new.match, tags = new.tags, change = (SELECT change FROM robotq.numbers)
    FROM new
    WHERE task.seq = new.seq AND task.id = new.id AND task.revision = new.was_revision
        AND task.state = new.was_state
    RETURNING task.id
)
SELECT robotq.expect((SELECT array_agg(id) FROM new), (SELECT array_agg(id) FROM changed));

-- name: ring
-- Wakes the daemons where nothing waited for such workers before this commit. Those that hear
-- nothing ask from time to time anyway.
SELECT pg_notify('{bell}', '') WHERE EXISTS (
    SELECT 1 FROM unnest(%s::text[], %s::text[]) AS new(queue, match)
    WHERE NOT EXISTS (
        SELECT 1 FROM robotq.tasks AS task
        WHERE task.queue = new.queue AND task.match = new.match AND task.state = 'pending'
            AND task.change < (SELECT change FROM robotq.numbers)
    )
);

-- name: steps
INSERT INTO robotq.steps (task, number, step)
SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::text[])
ON CONFLICT (task, number) DO UPDATE SET step = excluded.step;

-- name: drop_steps
DELETE FROM robotq.steps WHERE task = %s AND number >= %s;

-- name: programs
INSERT INTO robotq.programs (task, sha256) SELECT * FROM unnest(%s::bigint[], %s::text[]);

-- name: unname_files
DELETE FROM robotq.artifacts WHERE task = %s;

-- name: name_files
INSERT INTO robotq.artifacts (task, sha256, size)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[]);

-- name: events
-- Numbered in their order, up to the number that `begin` has kept.
INSERT INTO robotq.events (kind, at_ms, actor, api, robot, task_id, before, after, data, id)
SELECT
    new.kind, new.at_ms, new.actor, new.api, new.robot, new.task_id, new.before, new.after,
    new.data, (SELECT event FROM robotq.numbers) - new.from_last
FROM unnest(
    %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::bigint[]
) AS new(kind, at_ms, actor, api, robot, task_id, before, after, data, from_last);

-- name: answers
INSERT INTO robotq.answers (scope, key, fingerprint, body, at_ms, task_ids)
SELECT
    new.scope, new.key, new.fingerprint, new.body, new.at_ms, string_to_array(new.ids, ' ')
FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[]
) AS new(scope, key, fingerprint, body, at_ms, ids);

-- name: counts
INSERT INTO robotq.counts AS known (api, queue, state, tasks)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (api, queue, state) DO UPDATE SET tasks = known.tasks + excluded.tasks;

-- name: tallies
INSERT INTO robotq.tallies AS known (api, hour_ms, name, value)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[])
ON CONFLICT (api, hour_ms, name) DO UPDATE SET value = known.value + excluded.value;

-- name: drop_answer
DELETE FROM robotq.answers WHERE scope = %s AND key = %s AND fingerprint = %s AND at_ms = %s;

-- name: save_hold
INSERT INTO robotq.holds (robot, code, since_ms, actor, task_id, args)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (robot, code) DO UPDATE SET
    since_ms = excluded.since_ms, actor = excluded.actor, task_id = excluded.task_id,
    args = excluded.args;

-- name: drop_hold
DELETE FROM robotq.holds WHERE robot = %s AND code = %s;

-- name: save_occupancy
INSERT INTO robotq.occupancies (resource, robot, since_ms, task_id) VALUES (%s, %s, %s, %s)
ON CONFLICT (resource) DO UPDATE SET
    robot = excluded.robot, since_ms = excluded.since_ms, task_id = excluded.task_id;

-- name: drop_occupancy
DELETE FROM robotq.occupancies WHERE resource = %s;

-- name: save_delivery
INSERT INTO robotq.deliveries (
    task_id, receiver, url, created_at_ms, state, attempts, problem, next_attempt_at_ms,
    ended_at_ms
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (task_id, receiver) DO UPDATE SET
    url = excluded.url, created_at_ms = excluded.created_at_ms, state = excluded.state,
    attempts = excluded.attempts, problem = excluded.problem,
    next_attempt_at_ms = excluded.next_attempt_at_ms, ended_at_ms = excluded.ended_at_ms;

-- name: set_fact
INSERT INTO robotq.facts (name, value) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: forget_fact
DELETE FROM robotq.facts WHERE name = %s;

-- name: probe
UPDATE robotq.numbers SET probes = probes + 1;

-- name: insert_item
INSERT INTO robotq.items (
    title, description, status, priority, session_id, batch_id, due_date_ms, completed_at_ms,
    created_at_ms, updated_at_ms, task_id, revision, id
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: update_item
-- The next revision of an item. Refused where somebody else has written since.
WITH changed AS (
    UPDATE robotq.items SET
        title = %s, description = %s, status = %s, priority = %s, session_id = %s, batch_id = %s,
        due_date_ms = %s, completed_at_ms = %s, created_at_ms = %s, updated_at_ms = %s,
        task_id = %s, revision = %s
    WHERE id = %s AND revision = %s RETURNING id
)
SELECT robotq.expect(ARRAY['item'], (SELECT array_agg('item'::text) FROM changed));

-- name: drop_item
WITH gone AS (DELETE FROM robotq.items WHERE id = %s AND revision = %s RETURNING id)
SELECT robotq.expect(ARRAY['item'], (SELECT array_agg('item'::text) FROM gone));

-- name: mark_item_of
WITH new AS (SELECT %s::text AS status, %s::bigint AS at_ms, %s::text AS task_id)
UPDATE robotq.items AS item SET
    status = new.status, updated_at_ms = new.at_ms, revision = item.revision + 1,
    completed_at_ms = CASE WHEN new.status = 'completed' THEN new.at_ms END
FROM new WHERE item.task_id = new.task_id AND item.status NOT IN (new.status, 'completed');

-- name: drop_item_of
DELETE FROM robotq.items WHERE task_id = %s AND status <> 'completed';

-- name: insert_item_batch
INSERT INTO robotq.item_batches (id, session_id, reason, created_at_ms) VALUES (%s, %s, %s, %s);

-- name: prune_tasks
-- The tasks that ended first. One whose outcome nobody has resolved stays. Their steps go with
-- them, so no further ones are taken where the first have 10,000 already.
WITH
    old AS MATERIALIZED (
        SELECT seq, ended_at_ms,
            (SELECT count(*) FROM robotq.steps AS step WHERE step.task = tasks.seq) AS steps
        FROM robotq.tasks
        WHERE ended_at_ms < %(before)s AND NOT unresolved
            AND state IN ('completed', 'failed', 'cancelled')
        ORDER BY ended_at_ms LIMIT %(rows)s
    ),
    in_line AS (
        SELECT seq, sum(steps) OVER (
            ORDER BY ended_at_ms, seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS steps_before
        FROM old
    )
DELETE FROM robotq.tasks WHERE seq IN (
    SELECT seq FROM in_line WHERE coalesce(steps_before, 0) < 10000
);

-- name: prune_events
DELETE FROM robotq.events WHERE id IN (
    SELECT id FROM robotq.events WHERE at_ms < %(before)s ORDER BY at_ms LIMIT %(rows)s
);

-- name: prune_answers
-- A key counts for as long as a task of it is unfinished, and its time begins at their last end.
DELETE FROM robotq.answers WHERE (scope, key) IN (
    SELECT scope, key FROM robotq.answers AS old
    WHERE at_ms < %(before)s AND NOT EXISTS (
        SELECT 1 FROM robotq.tasks
        WHERE tasks.id = ANY (old.task_ids)
            AND (tasks.ended_at_ms IS NULL OR tasks.ended_at_ms >= %(before)s)
    )
    ORDER BY at_ms LIMIT %(rows)s
);

-- name: prune_deliveries
-- One that is still to be sent stays.
DELETE FROM robotq.deliveries WHERE (task_id, receiver) IN (
    SELECT task_id, receiver FROM robotq.deliveries
    WHERE created_at_ms < %(before)s AND state IN ('delivered', 'undelivered')
    ORDER BY created_at_ms LIMIT %(rows)s
);

-- name: prune_tallies
-- Those of one hour; what is over all time stays.
DELETE FROM robotq.tallies WHERE (api, hour_ms, name) IN (
    SELECT api, hour_ms, name FROM robotq.tallies
    WHERE hour_ms > 0 AND hour_ms < %(before)s LIMIT %(rows)s
);

-- name: prune_items
-- What people put on the list themselves stays until they remove it.
DELETE FROM robotq.items WHERE id IN (
    SELECT id FROM robotq.items
    WHERE updated_at_ms < %(before)s AND task_id IS NOT NULL AND status = 'completed'
    ORDER BY updated_at_ms LIMIT %(rows)s
);

-- name: accept
INSERT INTO robotq.fleet_inbox (id, robot, door, body, caller, scopes, agent, key_scope, key,
    fingerprint, expires_at)
VALUES (%(id)s, %(robot)s, %(door)s, %(body)s, %(caller)s, %(scopes)s, %(agent)s, %(key_scope)s,
    %(key)s, %(fingerprint)s, to_timestamp(%(expires_at_ms)s::float8 / 1000))
ON CONFLICT (key_scope, key) WHERE key IS NOT NULL DO NOTHING
RETURNING id;

-- name: waits
SELECT count(*) FROM robotq.fleet_inbox WHERE state IN ('waiting', 'taking');

-- name: keyed
SELECT id, fingerprint FROM robotq.fleet_inbox WHERE key_scope = %(key_scope)s AND key = %(key)s;

-- name: for_me
SELECT id, robot, door, body, caller, scopes, agent, key_scope, key, fingerprint, state,
    expires_at < now(), extract(epoch FROM now() - accepted_at)::float8
FROM robotq.fleet_inbox
WHERE robot = ANY (%(robots)s::text[])
    AND (state = 'waiting' OR (state = 'taking' AND daemon = %(name)s))
ORDER BY accepted_at, id LIMIT %(limit)s;

-- name: taking
UPDATE robotq.fleet_inbox SET state = 'taking', daemon = %(name)s
WHERE id = %(id)s AND (state = 'waiting' OR (state = 'taking' AND daemon = %(name)s))
RETURNING id;

-- name: back
UPDATE robotq.fleet_inbox SET state = 'waiting', daemon = NULL, error = %(error)s
WHERE id = %(id)s AND state = 'taking' AND daemon = %(name)s;

-- name: settle
UPDATE robotq.fleet_inbox
SET state = %(state)s, daemon = %(name)s, task_id = %(task_id)s, error = %(error)s,
    settled_at = now()
WHERE id = %(id)s AND state = 'taking' AND daemon = %(name)s;

-- name: expire
UPDATE robotq.fleet_inbox SET state = 'expired', settled_at = now()
WHERE state = 'waiting' AND expires_at < now();

-- name: cancel
UPDATE robotq.fleet_inbox SET state = 'cancelled', error = %(error)s, settled_at = now()
WHERE id = %(id)s AND state = 'waiting' RETURNING id;

-- name: row
SELECT id, robot, door, body, caller,
    CASE WHEN state = 'waiting' AND expires_at < now() THEN 'expired' ELSE state END,
    daemon, task_id, error,
    (extract(epoch FROM accepted_at) * 1000)::bigint,
    (extract(epoch FROM coalesce(settled_at, expires_at)) * 1000)::bigint,
    (extract(epoch FROM expires_at) * 1000)::bigint
FROM robotq.fleet_inbox WHERE id = %(id)s;

-- name: open
SELECT id, robot, door, body, caller, state, daemon, task_id, error,
    (extract(epoch FROM accepted_at) * 1000)::bigint,
    (extract(epoch FROM settled_at) * 1000)::bigint,
    (extract(epoch FROM expires_at) * 1000)::bigint
FROM robotq.fleet_inbox WHERE state IN ('waiting', 'taking')
ORDER BY accepted_at, id LIMIT %(limit)s;

-- name: prune
-- What its daemon has and has not ended stays: a person may have to hand it on.
DELETE FROM robotq.fleet_inbox AS i
WHERE i.settled_at < now() - make_interval(hours => %(hours)s)
    AND NOT EXISTS (SELECT FROM robotq.fleet_tasks AS t
        WHERE t.task_id = i.task_id AND t.ended_at_ms IS NULL);

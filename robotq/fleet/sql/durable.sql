-- name: keep
INSERT INTO robotq.fleet_inbox (id, robot, door, daemon, state, body, caller, scopes, agent,
    key_scope, key, fingerprint, expires_at)
VALUES (%(id)s, %(robot)s, %(name)s, %(name)s, 'taking', %(body)s, %(caller)s, %(scopes)s,
    %(agent)s, %(key_scope)s, %(key)s, %(fingerprint)s,
    to_timestamp(%(expires_at_ms)s::float8 / 1000))
ON CONFLICT (key_scope, key) WHERE key IS NOT NULL DO NOTHING
RETURNING id;

-- name: keyed
SELECT id, fingerprint, robot, state, daemon, task_id FROM robotq.fleet_inbox
WHERE key_scope = %(key_scope)s AND key = %(key)s;

-- name: mine
UPDATE robotq.fleet_inbox SET state = 'taking', daemon = %(name)s
WHERE id = %(id)s AND (state = 'waiting' OR (state = 'taking' AND daemon = %(name)s))
RETURNING id;

-- name: withdraw
DELETE FROM robotq.fleet_inbox
WHERE id = %(id)s AND state = 'taking' AND daemon = %(name)s AND door = %(name)s;

-- name: accepted
UPDATE robotq.fleet_inbox SET state = 'taken', task_id = id, error = NULL, settled_at = now()
WHERE id = ANY (%(ids)s::text[]) AND state = 'taking' AND daemon = %(name)s;

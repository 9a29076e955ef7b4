-- name: stop
INSERT INTO robotq.fleet_stops (stop_id, door, actor, reason)
VALUES (%(stop_id)s, %(door)s, %(actor)s, %(reason)s) ON CONFLICT (stop_id) DO NOTHING;

-- name: standing
SELECT stop_id, door, actor, reason, (extract(epoch FROM at) * 1000)::bigint
FROM robotq.fleet_stops WHERE reset_at IS NULL ORDER BY at, stop_id LIMIT %(limit)s;

-- name: stopped
INSERT INTO robotq.fleet_stopped (stop_id, daemon, report)
VALUES (%(stop_id)s, %(daemon)s, %(report)s)
ON CONFLICT (stop_id, daemon) DO UPDATE SET report = excluded.report;

-- name: reports
SELECT stop_id, daemon, report FROM robotq.fleet_stopped WHERE stop_id = ANY (%(stops)s::text[]);

-- name: reset
UPDATE robotq.fleet_stops SET reset_at = now(), reset_by = %(actor)s
WHERE stop_id = %(stop_id)s AND reset_at IS NULL RETURNING stop_id;

-- name: prune
DELETE FROM robotq.fleet_stops WHERE reset_at < now() - interval '90 days';

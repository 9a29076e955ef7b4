-- name: stop
-- One that was reset before the database knew it is history and stops nobody.
INSERT INTO robotq.fleet_stops (stop_id, door, actor, reason, reset_at, reset_by)
VALUES (%(stop_id)s, %(door)s, %(actor)s, %(reason)s,
    CASE WHEN %(reset_by)s::text IS NOT NULL THEN now() END, %(reset_by)s::text)
ON CONFLICT (stop_id) DO UPDATE
SET reset_at = coalesce(fleet_stops.reset_at, excluded.reset_at),
    reset_by = coalesce(fleet_stops.reset_by, excluded.reset_by);

-- name: standing
SELECT stop_id, door, actor, reason, (extract(epoch FROM at) * 1000)::bigint
FROM robotq.fleet_stops WHERE reset_at IS NULL ORDER BY at, stop_id LIMIT %(limit)s;

-- name: stopped
INSERT INTO robotq.fleet_stopped (stop_id, daemon, report)
SELECT %(stop_id)s, %(daemon)s, %(report)s
WHERE EXISTS (SELECT FROM robotq.fleet_stops WHERE stop_id = %(stop_id)s)
ON CONFLICT (stop_id, daemon) DO UPDATE SET report = excluded.report
RETURNING stop_id;

-- name: reports
SELECT stop_id, daemon, report FROM robotq.fleet_stopped WHERE stop_id = ANY (%(stops)s::text[]);

-- name: reset
UPDATE robotq.fleet_stops SET reset_at = now(), reset_by = %(actor)s
WHERE stop_id = %(stop_id)s AND reset_at IS NULL RETURNING stop_id;

-- name: prune
DELETE FROM robotq.fleet_stops WHERE reset_at < now() - interval '90 days';

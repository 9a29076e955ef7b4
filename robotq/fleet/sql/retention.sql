-- name: events
-- Of this daemon, and of those that are not in the fleet any more.
DELETE FROM robotq.fleet_events WHERE ctid = ANY (ARRAY(
    SELECT e.ctid FROM robotq.fleet_events AS e
    WHERE e.at_ms < %(events_before_ms)s AND (e.daemon = %(name)s
        OR NOT EXISTS (SELECT FROM robotq.fleet_daemons AS d WHERE d.name = e.daemon))
    LIMIT %(limit)s));

-- name: tasks
DELETE FROM robotq.fleet_tasks WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM robotq.fleet_tasks AS t
    WHERE t.ended_at_ms < %(tasks_before_ms)s AND (t.daemon = %(name)s
        OR NOT EXISTS (SELECT FROM robotq.fleet_daemons AS d WHERE d.name = t.daemon))
    LIMIT %(limit)s));

-- name: handed_on
DELETE FROM robotq.fleet_handed_on
WHERE found IS NOT NULL AND at < to_timestamp(%(events_before_ms)s::float8 / 1000);

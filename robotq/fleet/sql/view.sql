-- name: task
-- Of one that went to another daemon, the one that has it is the first; what came back to who had had
-- it has a number behind its id there.
WITH RECURSIVE ids(id) AS (
    SELECT %(task_id)s::text
    UNION
    SELECT split_part(h.task_id, '-', 1) || '-' || h.epoch || '-' || h.giver
    FROM robotq.fleet_handed_over AS h JOIN ids ON h.task_id = ids.id
)
SELECT t.daemon, t.record, extract(epoch FROM now() - d.heard_at)::float8,
    EXISTS (SELECT FROM robotq.fleet_handed_over AS h
        WHERE h.task_id = t.task_id AND h.giver = t.daemon) AS went
FROM robotq.fleet_tasks AS t LEFT JOIN robotq.fleet_daemons AS d ON d.name = t.daemon
WHERE t.task_id IN (SELECT id FROM ids)
ORDER BY went, t.ended_at_ms IS NOT NULL, t.submitted_at_ms DESC, t.daemon LIMIT 50;

-- name: tasks
SELECT daemon, record, submitted_at_ms, seq FROM robotq.fleet_tasks
WHERE (%(daemon)s::text IS NULL OR daemon = %(daemon)s)
    AND (%(api)s::text IS NULL OR api = %(api)s)
    AND (%(queue)s::text IS NULL OR queue = %(queue)s)
    AND (%(from_ms)s::bigint IS NULL OR submitted_at_ms >= %(from_ms)s)
    AND (%(to_ms)s::bigint IS NULL OR submitted_at_ms < %(to_ms)s)
    AND (%(states)s::text[] IS NULL OR state = ANY (%(states)s::text[]))
    AND (%(cmd_type)s::text IS NULL OR cmd_type = %(cmd_type)s)
    AND (%(cmd_id)s::text IS NULL OR cmd_id = %(cmd_id)s)
    AND (%(error_code)s::text IS NULL OR error_code = %(error_code)s)
    AND (%(before_ms)s::bigint IS NULL
        OR (submitted_at_ms, daemon, seq) < (%(before_ms)s, %(before_daemon)s, %(before_seq)s))
ORDER BY submitted_at_ms DESC, daemon DESC, seq DESC LIMIT %(limit)s;

-- name: events
SELECT journal, id, record FROM robotq.fleet_events
WHERE daemon = %(daemon)s AND (journal, id) > (%(journal)s, %(id)s)
ORDER BY journal, id LIMIT %(limit)s;

-- name: events_of
SELECT daemon, record FROM robotq.fleet_events WHERE task_id = %(task_id)s
ORDER BY at_ms DESC, journal DESC, id DESC LIMIT %(limit)s;

-- name: newest
SELECT name, journal, sent_id FROM robotq.fleet_daemons ORDER BY name;

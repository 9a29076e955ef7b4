-- name: join
-- Nobody takes a name that another folder has, or that another process of the same folder uses.
INSERT INTO robotq.fleet_daemons AS d (name, home, session, url, version)
VALUES (%(name)s, %(home)s, %(session)s, %(url)s, %(version)s)
ON CONFLICT (name) DO UPDATE
SET session = excluded.session, url = excluded.url, version = excluded.version, heard_at = now()
WHERE d.home = excluded.home
    AND (d.session IN (excluded.session, '') OR d.heard_at < now() - make_interval(secs => %(away_s)s))
RETURNING journal, sent_id;

-- name: holder
SELECT home, session, extract(epoch FROM now() - heard_at)::float8
FROM robotq.fleet_daemons WHERE name = %(name)s;

-- name: robots
INSERT INTO robotq.fleet_robots AS r (robot, daemon)
SELECT robot, %(name)s FROM unnest(%(robots)s::text[]) AS robot
ON CONFLICT (robot) DO NOTHING;

-- name: not_robots
-- One that it is about to drive, under its lease, is its own.
DELETE FROM robotq.fleet_robots AS r WHERE r.daemon = %(name)s AND r.robot <> ALL (%(robots)s::text[])
    AND NOT EXISTS (SELECT FROM robotq.fleet_leases AS l
        WHERE l.robot = r.robot AND l.holder = %(name)s AND l.session = %(session)s);

-- name: taken
SELECT robot, daemon FROM robotq.fleet_robots
WHERE robot = ANY (%(robots)s::text[]) AND daemon <> %(name)s ORDER BY robot;

-- name: beat
UPDATE robotq.fleet_daemons SET heard_at = now(), state = %(state)s
WHERE name = %(name)s AND session = %(session)s
RETURNING name;

-- name: gone
-- The next process of this folder need not wait until this one counts as away.
UPDATE robotq.fleet_daemons SET session = '', heard_at = now()
WHERE name = %(name)s AND session = %(session)s;

-- name: leave
DELETE FROM robotq.fleet_daemons WHERE name = %(name)s RETURNING name;

-- name: all
SELECT d.name, d.url, d.version, extract(epoch FROM now() - d.heard_at)::float8, d.journal,
    d.sent_id, d.state, d.session = '', coalesce(array_agg(r.robot ORDER BY r.robot)
        FILTER (WHERE r.robot IS NOT NULL), '{}')
FROM robotq.fleet_daemons AS d LEFT JOIN robotq.fleet_robots AS r ON r.daemon = d.name
GROUP BY d.name ORDER BY d.name;

-- name: number_had
SELECT number FROM robotq.fleet_numbers WHERE name = %(name)s AND home = %(home)s;

-- name: numbers_alone
LOCK TABLE robotq.fleet_numbers IN SHARE ROW EXCLUSIVE MODE;

-- name: number_new
-- The one that it had before, where the database was restored from a backup and nobody has it.
INSERT INTO robotq.fleet_numbers (number, name, home)
SELECT n, %(name)s, %(home)s FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
WHERE NOT EXISTS (SELECT FROM robotq.fleet_numbers AS taken WHERE taken.number = n)
ORDER BY (n = %(kept)s::integer) DESC NULLS LAST, n LIMIT 1
RETURNING number;

-- name: number_again
-- All are given: the one of who left first.
UPDATE robotq.fleet_numbers SET name = %(name)s, home = %(home)s, given_at = now()
WHERE number = (SELECT old.number FROM robotq.fleet_numbers AS old
    WHERE NOT EXISTS (SELECT FROM robotq.fleet_daemons AS d
        WHERE d.name = old.name AND d.home = old.home)
    ORDER BY old.given_at, old.number LIMIT 1)
RETURNING number;

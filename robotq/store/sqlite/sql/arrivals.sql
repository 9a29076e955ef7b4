-- name: view
-- What an insert into this view writes is one JSON array for each new task: the columns of its
-- row, then those of its row of the journal.
CREATE TEMP VIEW arrivals AS SELECT NULL AS arrival WHERE FALSE;

-- name: trigger
CREATE TEMP TRIGGER arrivals_insert INSTEAD OF INSERT ON arrivals BEGIN
    INSERT INTO tasks (
        api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms,
        error_code, unresolved, rest, seq, id
    ) VALUES (
        json_extract(NEW.arrival, '$[0]'), json_extract(NEW.arrival, '$[1]'),
        json_extract(NEW.arrival, '$[2]'), json_extract(NEW.arrival, '$[3]'),
        json_extract(NEW.arrival, '$[4]'), json_extract(NEW.arrival, '$[5]'),
        json_extract(NEW.arrival, '$[6]'), json_extract(NEW.arrival, '$[7]'),
        json_extract(NEW.arrival, '$[8]'), json_extract(NEW.arrival, '$[9]'),
        json_extract(NEW.arrival, '$[10]'), json_extract(NEW.arrival, '$[11]'),
        json_extract(NEW.arrival, '$[12]'), json_extract(NEW.arrival, '$[13]')
    );
    INSERT INTO events (kind, at_ms, actor, api, robot, task_id, before, after, data, id)
    VALUES (
        json_extract(NEW.arrival, '$[14]'), json_extract(NEW.arrival, '$[15]'),
        json_extract(NEW.arrival, '$[16]'), json_extract(NEW.arrival, '$[17]'),
        json_extract(NEW.arrival, '$[18]'), json_extract(NEW.arrival, '$[19]'),
        json_extract(NEW.arrival, '$[20]'), json_extract(NEW.arrival, '$[21]'),
        json_extract(NEW.arrival, '$[22]'), json_extract(NEW.arrival, '$[23]')
    );
    INSERT INTO counts (api, queue, state, tasks)
    VALUES (
        json_extract(NEW.arrival, '$[0]'), json_extract(NEW.arrival, '$[1]'),
        json_extract(NEW.arrival, '$[6]'), 1
    )
    ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;

-- name: insert
INSERT INTO arrivals SELECT value FROM json_each(CAST(? AS TEXT));

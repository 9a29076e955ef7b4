-- What commands have reported, in a table of its own: a report writes its step, and not all
-- steps of its task once more. See moving.py for the steps of earlier schemas.
CREATE TABLE steps (
    -- the number of arrival of its task: steps of one task stand side by side
    task   INTEGER NOT NULL,
    -- its place among them, from 0
    number INTEGER NOT NULL,
    -- by the names of the record's fields, without those that have their default
    step   TEXT    NOT NULL,
    PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;

-- Whoever removes a task removes its steps in the same statement.
CREATE TRIGGER tasks_removed AFTER DELETE ON tasks BEGIN
    DELETE FROM steps WHERE task = old.seq;
END;

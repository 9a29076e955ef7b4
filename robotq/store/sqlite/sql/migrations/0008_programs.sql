-- Which files of programs a task names: a file stays for as long as a task does that names it. The
-- texts that earlier schemas have in the params of tasks stay there, and are read from there: what
-- is written in a row is right as it is, and goes with its task.
CREATE TABLE programs (
    -- the number of arrival of the task
    task   INTEGER NOT NULL,
    sha256 TEXT    NOT NULL,
    PRIMARY KEY (task, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX programs_sha256 ON programs (sha256);

-- Whoever removes a task takes its claim to the file in the same statement.
CREATE TRIGGER tasks_removed_programs AFTER DELETE ON tasks BEGIN
    DELETE FROM programs WHERE task = old.seq;
END;

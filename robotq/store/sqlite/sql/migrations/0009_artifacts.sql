-- Which files tasks name: what they are stands in the row of the task, and this is for whoever
-- removes files.
CREATE TABLE artifacts (
    -- the number of arrival of its task
    task   INTEGER NOT NULL,
    -- the name of its file in the folder `artifacts`
    sha256 TEXT    NOT NULL,
    -- bytes
    size   INTEGER NOT NULL,
    PRIMARY KEY (task, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX artifacts_file ON artifacts (sha256);

-- Whoever removes a task removes the names of its files in the same statement.
CREATE TRIGGER tasks_removed_artifacts AFTER DELETE ON tasks BEGIN
    DELETE FROM artifacts WHERE task = old.seq;
END;

-- name: begin
-- Where the move is. The trigger works in an earlier robotq, too, which may go on with this
-- database as long as the move is not done: what it changes is moved once more.
CREATE TABLE moving (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    next_seq INTEGER NOT NULL
) STRICT;
INSERT INTO moving (id, next_seq) VALUES (1, 0);
CREATE TRIGGER moved_task_changed AFTER UPDATE OF rest ON tasks
WHEN old.seq < (SELECT next_seq FROM moving) BEGIN
    DELETE FROM steps WHERE task = old.seq;
    UPDATE moving SET next_seq = old.seq;
END;

-- name: turn
-- From here on the table is what counts.
DROP TRIGGER moved_task_changed;
UPDATE moving SET next_seq = 0;

-- name: end
DROP TABLE moving;

-- name: is_moving
SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'moving';

-- name: next
SELECT next_seq FROM moving;

-- name: set_next
UPDATE moving SET next_seq = ?;

-- name: last
SELECT coalesce(max(seq), 0) FROM tasks;

-- name: portion
-- Without what has no steps in its row.
SELECT seq, CASE WHEN instr(rest, '"steps":') > 0 THEN rest END FROM tasks
WHERE seq >= ? ORDER BY seq LIMIT ?;

-- name: copy
INSERT OR REPLACE INTO steps (task, number, step) VALUES (?, ?, ?);

-- name: clear
UPDATE tasks SET rest = ? WHERE seq = ?;

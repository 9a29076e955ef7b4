-- The first run of the series that a task belongs to, where it is not the first itself. Drawn
-- from `rest`, for searching only.
ALTER TABLE tasks ADD COLUMN repeat_of TEXT;

UPDATE tasks SET repeat_of = json_extract(rest, '$.repeat_of')
WHERE instr(rest, '"repeat_of"') > 0;

CREATE INDEX tasks_repeat_of ON tasks (repeat_of) WHERE repeat_of IS NOT NULL;

// The reason of a hold as people say it: the command in place of its number, and how it ended.

import { titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";

const called = (line) => [titleOf(live.specs, line.cmd_type), line.about, line.cmd_id].filter(Boolean).join(" · ");

function lineOf(taskId, look) {
  const lines = [...look.ended, ...look.robots.flatMap((robot) => [robot.running, ...robot.next])];
  return lines.find((line) => line?.task_id === taskId);
}

/** As the daemon says it where the page knows nothing of the task. */
export function reasonText(hold, look = live.look) {
  const line = hold.task_id ? lineOf(hold.task_id, look) : null;
  if (!line) return hold.reason;
  const text = hold.reason.replaceAll(hold.task_id, `“${called(line)}”`);
  return hold.code === "failure" && line.message ? `${text} · ${line.message}` : text;
}

/** The same for a wall, where the word for it stands above: what it is about, and what was told of it. */
export function shortReason(hold, look = live.look) {
  const line = hold.task_id ? lineOf(hold.task_id, look) : null;
  if (!line || !["failure", "outcome_unknown"].includes(hold.code)) return reasonText(hold, look);
  const title = [titleOf(live.specs, line.cmd_type), line.about].filter(Boolean).join(" · ");
  return [title, hold.code === "failure" ? line.message : ""].filter(Boolean).join(": ");
}

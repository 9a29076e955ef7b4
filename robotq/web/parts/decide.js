// The questions before something goes on. Each says what starts next, names what it is about, and
// closes by itself when that is over: somebody else has decided, or a newer hold has come.

import { freshKey, get, post, robot as robotPath, task as taskPath, withQuery } from "../base/api.js";
import { h, list, setText, show } from "../base/dom.js";
import { clock, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { confirm, question, tell } from "../base/ui.js";
import { reasonText } from "./reasons.js";
import { undoable } from "./undo.js";

const robotsOf = (look, names) => look.robots.filter((robot) => names.includes(robot.robot_id));

/** Every hold that the page knows, also of queues of robots that are not configured. */
export function holdsIn(look) {
  const holds = [...look.estop_holds, ...look.robots.flatMap((robot) => robot.holds), ...look.why.filter((one) => one.kind === "hold")];
  return [...new Map(holds.map((hold) => [hold.id, hold])).values()];
}

/** Over as soon as one of these holds is gone, or another one that would be lifted with them has come. */
function holdsOver(seen, action, robots) {
  const ids = new Set(seen.map((hold) => hold.id));
  return (look) => {
    const now = holdsIn(look).filter((hold) => hold.clear.action === action && (!robots || robots.includes(hold.robot_id)));
    if (now.some((hold) => !ids.has(hold.id))) return t(action === "reset" ? "over.stop" : "over.hold");
    return now.length < ids.size ? t("over.lifted") : null;
  };
}

/** Over, too, as soon as somebody stops the robots: nothing goes on that was asked about before. */
function stopOr(over) {
  const stops = (look) => look.estop_holds.map((hold) => hold.id);
  const before = new Set(stops(live.look));
  return (look) => (stops(look).some((id) => !before.has(id)) ? t("over.stop") : over(look));
}

/** What a command is called, with what tells it from others. */
export function nameOf(next) {
  return next ? [titleOf(live.specs, next.cmd_type), next.about || next.cmd_id || next.task_id].join(" · ") : t("next.none");
}

/** What starts next at each of these robots, as it changes. */
function startsPart(starting) {
  const rows = h("ul", { class: "starts" });
  const node = h("div", { class: "starts-next" }, h("h3", { text: t("next.title") }), rows);
  return { node, update(look) {
    list(rows, starting(look), (row) => row.robot, () => {
      const text = h("li", {});
      return { node: text, update: (row) => setText(text, `${row.robot}: ${row.text}`) };
    });
    show(node, rows.childElementCount > 0);
  } };
}

const nextOf = (names) => (look) => robotsOf(look, names).map((robot) => ({ robot: robot.robot_id, text: nameOf(robot.starts_next) }));

function noteField() {
  const input = h("input", { id: "decide-note", type: "text", maxlength: 500, autocomplete: "off" });
  return { input, node: h("div", { class: "field" }, h("label", { for: "decide-note", text: t("note") }), input) };
}

/**
 * Ask; gives `{ then, note }`, null for no. `stay` and `go` are the words of the two answers, the
 * first one null where it is the same as no. `starting(look)` is what begins next.
 */
async function decide({ title, text, starting, go, stay = t("then.stay"), no = t("cancel"), safe = "stay", over }) {
  const note = noteField();
  const starts = startsPart(starting);
  const buttons = [
    { value: "", text: no, focus: safe === "no" },
    { value: "continue", text: go, kind: safe === "go" ? "strong" : "", focus: safe === "go" },
    ...(stay === null ? [] : [{ value: "stay_paused", text: stay, kind: safe === "stay" ? "strong" : "", focus: safe === "stay" }]),
  ];
  const then = await question({ title, text, fields: [starts.node, note.node], buttons, over: stopOr(over), follow: starts.update });
  return then === "" ? null : { then, note: note.input.value.trim() };
}

/** Say what was done, and what is next. */
function told(answer, then) {
  const next = answer.starts_next;
  const rows = !next ? [] : "task_id" in next ? [next] : Object.values(next).filter(Boolean);
  const words = rows.map((row) => t(then === "stay_paused" ? "next.paused" : "next.now", { title: nameOf(row) }));
  tell([answer.message, ...words.slice(0, 2)].join(" "));
  live.refresh();
}

/** Let queues go on that these holds keep. Other holds of the same robots are meant too, as shown. */
export async function resumeHolds(names, seen, over = holdsOver(seen, "resume", names)) {
  // where all is a pause, to stay paused is to do nothing
  const paused = seen.every((hold) => hold.code === "paused");
  const decided = await decide({
    title: t("resume.ask", { robots: names.join(", ") }), text: seen.map((hold) => `${hold.robot_id}: ${reasonText(hold)}`).join(" · "),
    starting: nextOf(names), go: t("then.go"), no: paused ? t("then.stay") : t("cancel"), stay: paused ? null : t("then.stay"),
    safe: paused ? "no" : "stay", over,
  });
  if (!decided) return;
  for (const name of names) {
    const holds = seen.filter((hold) => hold.robot_id === name).map((hold) => hold.id);
    told(await post("queue/resume", { robot_id: name, holds, ...decided }), decided.then);
  }
}

/** What a resume of these robots lifts, as the page shows it. */
export const resumable = (names) => robotsOf(live.look, names).flatMap((robot) => robot.holds).filter((hold) => hold.clear.action === "resume");

/** Let a held motion go on; the robot moves at once. */
export async function resumeMotion(name) {
  const robot = robotsOf(live.look, [name])[0];
  const seen = robot.holds.filter((hold) => hold.code === "motion_held");
  const decided = await decide({
    title: t("motion.ask", { robot: name }), text: [...seen.map((hold) => hold.reason), t("motion.ask.text", { robot: name })].join(" · "),
    starting: (look) => robotsOf(look, [name]).flatMap((one) => [
      ...(one.running ? [{ robot: name, text: nameOf(one.running) }] : []), ...(one.running ? [] : nextOf([name])(look))]),
    go: t("motion.go"), stay: t("motion.stay"), no: t("motion.no"), safe: "no",
    over: seen.length ? holdsOver(seen, "resume_motion", [name]) : () => null,
  });
  if (!decided) return;
  told(await post(robotPath(name, "resume"), { holds: seen.map((hold) => hold.id), ...decided }, { timeoutMs: 30000 }), decided.then);
}

/** Reset the stop. Nothing moves, and the queues stay paused. */
export async function resetStop() {
  // what was seen when the question was asked, and nothing newer
  const seen = holdsIn(live.look).filter((hold) => hold.code === "estop");
  const decided = await decide({
    title: t("estop.ask"), text: [seen[0]?.reason, t("estop.ask.text")].filter(Boolean).join(" · "),
    starting: (look) => nextOf(seen.map((hold) => hold.robot_id))(look).filter((row) => row.text !== t("next.none")),
    go: t("estop.ask.yes"), stay: null, safe: "no", over: holdsOver(seen, "reset"),
  });
  if (!decided) return;
  told(await post("estop/reset", { holds: seen.map((hold) => hold.id), note: decided.note }, { timeoutMs: 30000 }), "stay_paused");
}

/** Say how a command ended of which nobody knows; or run it again. */
export async function resolveTask(taskId, outcome, done = () => {}) {
  const found = await get(taskPath(taskId));
  const held = holdsIn(live.look).some((hold) => hold.code === "outcome_unknown" && hold.task_id === taskId);
  const title = titleOf(live.specs, found.cmd_type);
  const again = outcome === "retry";
  const decided = await decide({
    title: t(`resolve.ask.${outcome}`, { title }),
    text: again ? t("resolve.ask.text", { robot: found.robot_id }) : t("resolve.ask.sure", { robot: found.robot_id }),
    starting: again ? () => [{ robot: found.robot_id, text: nameOf(found) }] : nextOf([found.robot_id]),
    go: t(again ? "resolve.again.go" : "then.go"), stay: t(again ? "resolve.again.stay" : "then.stay"),
    over: (look) => (held && !holdsIn(look).some((hold) => hold.code === "outcome_unknown" && hold.task_id === taskId) ? t("over.resolved") : null),
  });
  if (!decided) return;
  told(await post(taskPath(taskId, "resolve"), { outcome, revision: found.revision, ...decided }, { headers: { "Idempotency-Key": freshKey() } }), decided.then);
  done();
}

/** Run an ended command again. `over` says when the page knows that somebody else has. */
export async function retryTask(ended, { done = () => {}, over = () => null } = {}) {
  const decided = await decide({
    title: t("resolve.ask.retry", { title: titleOf(live.specs, ended.cmd_type) }), text: t("resolve.ask.text", { robot: ended.robot_id }),
    starting: () => [{ robot: ended.robot_id, text: nameOf(ended) }],
    go: t("resolve.again.go"), stay: t("resolve.again.stay"), over,
  });
  if (!decided) return;
  told(await post(taskPath(ended.task_id, "retry"), decided, { headers: { "Idempotency-Key": freshKey() } }), decided.then);
  done();
}

const approvalIn = (look, waiting) => look.robots.flatMap((robot) => robot.approvals).find((one) => one.task.task_id === waiting.task_id);

/** Over as soon as nobody is asked any more; the page knows the oldest questions of each robot. */
export function approvalOver(waiting) {
  const known = approvalIn(live.look, waiting) !== undefined;
  return (look) => (known && !approvalIn(look, waiting) ? t("over.decided") : null);
}

/** Let a command run that waits for a person. */
export async function approveTask(waiting, done = () => {}) {
  const robot = robotsOf(live.look, [waiting.robot_id])[0];
  const atOnce = robot !== undefined && robot.running === null && robot.holds.length === 0;
  const decided = await decide({
    title: t("approve.ask", { title: titleOf(live.specs, waiting.cmd_type) }), text: t(atOnce ? "approve.text.now" : "approve.text.turn", { robot: waiting.robot_id }),
    starting: (look) => {
      const found = approvalIn(look, waiting);
      return found ? [{ robot: waiting.robot_id, text: nameOf(found.starts_next) }] : [];
    },
    go: t(atOnce ? "approve.go" : "approve"), stay: t("approve.stay"), safe: atOnce ? "stay" : "go", over: approvalOver(waiting),
  });
  if (!decided) return;
  told(await post(taskPath(waiting.task_id, "approve"), { revision: waiting.revision, ...decided }), decided.then);
  done();
}

/** Call a running command off; what waits behind it is the next motion. */
async function cancelRunning(line) {
  const name = line.robot_id;
  const decided = await question({
    title: t("task.cancel.ask", { title: titleOf(live.specs, line.cmd_type) }),
    text: t("task.cancel.running", { title: nameOf(robotsOf(live.look, [name])[0]?.starts_next) }),
    buttons: [
      { value: "", text: t("task.keep"), focus: true },
      { value: "continue", text: t("task.cancel.yes") },
      { value: "stay_paused", text: t("task.cancel.stay"), kind: "strong" },
    ],
    over: (look) => (robotsOf(look, [name])[0]?.running?.task_id === line.task_id ? null : t("over.ended")),
  });
  if (!decided) return;
  // before the cancel, so that nothing starts in between
  if (decided === "stay_paused") await post("queue/pause", { robot_id: name, reason: "" });
  told(await post(taskPath(line.task_id, "cancel"), {}, { timeoutMs: 30000 }), decided);
}

/** Send a robot away from a place that another one needs, or give the place free. */
export async function clearPlace(reason) {
  const away = reason.clear.action === "send_away";
  const robot = away ? reason.clear.body.robot_id : reason.occupied_by;
  const yes = await question({
    title: t(away ? "away.ask" : "release.ask", { robot, place: reason.resource }),
    text: [reason.reason, t(away ? "away.text" : "release.text", { robot, place: reason.resource })].join(" · "),
    buttons: [{ value: "", text: t("cancel"), focus: true }, { value: "yes", text: t(away ? "away.yes" : "release.yes", { robot }), kind: "strong" }],
    over: stopOr((look) => (look.why.some((one) => [one, ...(one.because ?? [])].some((part) => part.code === reason.code && part.task_id === reason.task_id)) ? null : t("over.place"))),
  });
  if (!yes) return;
  const headers = away ? { "Idempotency-Key": freshKey(), Prefer: "respond-async" } : {};
  tell((await post(`.${reason.clear.path}`, reason.clear.body, { headers })).message);
  live.refresh();
}

/** Call off all that waits for a robot that is not configured. */
export async function dropQueue(name) {
  const found = await post("tasks/cancel", { robot_id: name });
  const yes = await question({
    title: t("drop.ask", { robot: name }), text: t("drop.text", { count: found.matching, robot: name }),
    buttons: [{ value: "", text: t("task.keep"), focus: true }, { value: "yes", text: t("drop.yes", { count: found.matching }), kind: "strong" }],
    over: (look) => (look.why.some((one) => one.queue === name) ? null : t("over.ended")),
  });
  if (!yes) return;
  tell((await post("tasks/cancel", { robot_id: name, count: found.matching, up_to: found.up_to })).message);
  live.refresh();
}

/** What waits for a robot, in the order of its queue; a part of it where it is long. */
async function queueOf(name) {
  const status = await get(withQuery("queue/status", { robot_id: name, limit: 200 }));
  return { waiting: status.robots[name].queue_size, tasks: status.tasks.filter((line) => line.state === "pending") };
}

/** Give all that waits for one robot to another one, in order. */
export async function moveQueue(name) {
  let left = await queueOf(name);
  const others = live.look.robots.map((robot) => robot.robot_id).filter((other) => other !== name);
  const target = await question({
    title: t("moveto.ask", { robot: name, count: left.waiting }), text: t("moveto.text"),
    buttons: [{ value: "", text: t("cancel"), focus: true }, ...others.map((other) => ({ value: other, text: other }))],
    over: stopOr((look) => (look.why.some((one) => one.queue === name) ? null : t("over.ended"))),
  });
  if (!target) return;
  // one of a contiguous batch takes the others along
  const moved = new Set();
  for (;;) {
    for (const line of left.tasks) {
      if (moved.has(line.task_id)) continue;
      const answer = await post(taskPath(line.task_id, "move"), { robot_id: target });
      for (const id of answer.task_ids) moved.add(id);
    }
    // a robot that is not configured is unknown when nothing of it is left
    if (!left.tasks.length || left.waiting <= left.tasks.length) break;
    left = await queueOf(name);
  }
  tell(t("moveto.done", { count: moved.size, robot: target }));
  live.refresh();
}

/** Since when and by whom a motion is held, in a few words. */
export const heldSince = (hold) => t("motion.since", { clock: clock(hold.by[0].at_ms), actor: hold.actor });

/** Of a waiting or a running command; a waiting one can be put back. */
export async function cancelTask(line) {
  if (line.state === "running") { await cancelRunning(line); return; }
  const sure = await confirm({
    title: t("task.cancel.ask", { title: titleOf(live.specs, line.cmd_type) }), text: t("task.cancel.waiting"),
    yes: t("task.cancel.yes"), no: t("task.keep"),
    over: (look) => (look.robots.some((robot) => robot.running?.task_id === line.task_id) ? t("over.started") : null),
  });
  if (!sure) return;
  const answer = await post(taskPath(line.task_id, "cancel"), {}, { timeoutMs: 30000 });
  undoable(answer.message, [line.task_id]);
  live.refresh();
}

// What needs a person: the emergency stop, questions, holds, approvals. Each with the very
// button that clears it.

import { Refused, post, task, withQuery } from "../base/api.js";
import { approvalOver, approveTask, cancelTask, clearPlace, dropQueue, moveQueue, resetStop, resolveTask, resumable, resumeHolds, resumeMotion } from "../parts/decide.js";
import { h, icon, list, setAttribute, setText, show } from "../base/dom.js";
import { clock, count, fieldName, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { alarmTools, askingTitle, isLoud } from "../parts/alarms.js";
import { careDone, usedText } from "../parts/beside.js";
import { reasonText } from "../parts/reasons.js";
import { rangeText, valueName, withUnit } from "../parts/values.js";
import { FieldError, formOf } from "../parts/schema_form.js";
import { button, confirm, reasonOf, tell } from "../base/ui.js";

const PHONE = matchMedia("(max-width: 40rem)");
const MANY = 3; // approvals at one look, on a phone one; unless somebody asks for all of them
const BY_PLACE = new Set(["send_away", "release"]);
const BY_RESUME = new Set(["paused", "failure", "restarted", "shutdown"]);

export function attention() {
  let all = false;
  const box = h("div", { class: "cards" });
  const more = h("button", { type: "button", class: "more-cards", onclick: () => { all = true; part.update(live.look); } });
  const node = h("section", { class: "attention", "aria-label": t("attention"), hidden: true }, box, more);
  const part = {
    node,
    update(look) {
      const items = itemsOf(look);
      const decisions = items.filter((item) => item.what === "approval");
      const most = PHONE.matches ? 1 : MANY;
      // of every robot the oldest first
      const folded = all ? [] : [...decisions].sort((one, other) => one.rank - other.rank).slice(most);
      const shown = items.filter((item) => !folded.includes(item));
      const hidden = look.robots.reduce((sum, robot) => sum + robot.undecided, 0) - (decisions.length - folded.length);
      list(box, shown, (item) => item.key, (item) => alarmed(MAKERS[item.what](item)));
      show(node, items.length > 0);
      show(more, hidden > 0);
      more.disabled = folded.length === 0;
      setText(more, t("approve.more", { count: count(hidden) }));
      if (decisions.length <= most) all = false;
    },
  };
  return part;
}

/** Every notice, in the daemon's order of urgency. */
function itemsOf(look) {
  const items = noticesOf(look);
  for (const item of items) {
    item.alarms = look.alarms.filter((alarm) => isOf(alarm, item));
    item.order = item.alarms.length ? look.alarms.indexOf(item.alarms[0]) : look.alarms.length;
  }
  return items.sort((one, other) => one.order - other.order);
}

/** Whether a notice is about this alarm. */
function isOf(alarm, item) {
  switch (item.what) {
    case "estop": return alarm.code === "estop";
    case "question": return alarm.id === `question-${item.task.task_id}-${item.task.waiting_for.asked_at_ms}`;
    case "approval": return alarm.id === `approval-${item.approval.task.task_id}-${item.approval.task.revision}`;
    case "place": return alarm.code === "resource" && alarm.robot_id === item.reason.queue && alarm.task_id === item.reason.task_id;
    case "value": case "care": return alarm.id === item.alarm.id;
    case "folder": return alarm.code === "folder" && alarm.robot_id === item.reason.queue;
    default: return (item.holds ?? [item.hold]).some((hold) => hold.id === alarm.id);
  }
}

/** What an alarm is about that no hold and no wait stands for. */
function whatOf(alarm, robot) {
  const value = alarm.code === "value" && robot.values.find((one) => alarm.id === `value-${robot.robot_id}-${one.name}`);
  if (value) return { what: "value", value };
  const care = alarm.code === "maintenance_due" && robot.maintenance.find((one) => alarm.id === `maintenance-${robot.robot_id}-${one.item}-${one.since_ms}`);
  return care ? { what: "care", care } : null;
}

/** A notice with what is known of its alarms: how urgent, which came first, who has seen it. */
function alarmed(part) {
  const tools = alarmTools();
  part.node.querySelector(".head").append(tools.node);
  return { ...part, update(item) {
    part.update?.(item);
    tools.update(item.alarms);
    setAttribute(part.node, "data-priority", item.alarms[0]?.priority);
    part.node.classList.toggle("loud", item.alarms.some(isLoud));
  } };
}

function noticesOf(look) {
  const items = [];
  if (look.estop) items.push({ what: "estop", key: "estop", holds: look.estop_holds });
  for (const robot of look.robots) {
    if (robot.running?.waiting_for) {
      items.push({ what: "question", key: `q${robot.running.task_id}/${robot.running.waiting_for.asked_at}`, robot, task: robot.running });
    }
  }
  const resumed = new Map();
  const shared = new Map();
  for (const robot of look.robots) {
    for (const hold of robot.holds) {
      if (hold.code === "estop") continue;
      if (hold.code === "outcome_unknown") items.push({ what: "unknown", key: `u${hold.task_id}`, hold });
      else if (BY_RESUME.has(hold.code)) {
        const key = `${hold.code}/${hold.task_id || hold.reason}`;
        if (!resumed.has(key)) {
          resumed.set(key, []);
          items.push({ what: "resume", key: `r${key}`, holds: resumed.get(key), code: hold.code });
        }
        resumed.get(key).push(hold);
      } else if (hold.code === "motion_held") items.push({ what: "motion", key: `m${hold.id}`, hold });
      else if (hold.task_id) items.push({ what: "wait", key: `w${robot.robot_id}${hold.code}${hold.task_id}`, hold, holds: [hold] });
      else {
        // one reason for all robots is one notice
        const key = `w${hold.code}/${hold.reason}`;
        if (!shared.has(key)) {
          shared.set(key, []);
          items.push({ what: "wait", key, hold, holds: shared.get(key) });
        }
        shared.get(key).push(hold);
      }
    }
    robot.approvals.forEach((approval, rank) => items.push({ what: "approval", key: `a${approval.task.task_id}/${approval.commands}/${approval.task.revision}`, approval, rank }));
  }
  for (const alarm of look.alarms) {
    const robot = look.robots.find((one) => one.robot_id === alarm.robot_id);
    const about = robot && whatOf(alarm, robot);
    if (about) items.push({ ...about, key: alarm.id, alarm, robot });
  }
  for (const reason of look.why) {
    const core = reason.because?.[0] ?? reason;
    if (reason.code === "folder") items.push({ what: "folder", key: `f${reason.queue}`, reason });
    else if (reason.code === "not_configured") items.push({ what: "absent", key: `n${reason.queue}`, hold: reason });
    else if (BY_PLACE.has(core.clear.action)) items.push({ what: "place", key: `p${core.queue}${core.task_id}${core.resource}${core.occupied_by}${core.clear.action}`, reason: core });
  }
  return items;
}

function card(kind, symbol, title) {
  const heading = h("h2", { text: title });
  const since = h("span", { class: "quiet since" });
  const text = h("p");
  const hint = h("p", { class: "quiet" });
  const actions = h("div", { class: "buttons" });
  const node = h("article", { class: `notice ${kind}` },
    h("div", { class: "sign" }, icon(symbol)),
    h("div", { class: "words" }, h("div", { class: "head" }, heading, since), text, hint), actions);
  return { node, heading, since, text, hint, actions };
}

function sinceText(hold) { return hold ? t("since", { clock: clock(hold.since_ms) }) : ""; }

function estopCard() {
  const part = card("bad", "stop", t("estop.latched"));
  part.actions.append(button(t("estop.reset"), resetStop, { allowed: live.may("control") }));
  setText(part.hint, t("estop.text"));
  return { node: part.node, update({ holds }) { setText(part.text, holds[0]?.reason || ""); setText(part.since, sinceText(holds[0])); } };
}

function resumeCard({ code }) {
  const part = card(code === "paused" ? "warn" : "bad", code === "paused" ? "pause" : "warn", t(`hold.${code}`));
  let robots = "";
  // all that a resume of these robots lifts, as the page shows it when it is pressed
  const resume = (...names) => resumeHolds(names, resumable(names));
  return {
    node: part.node,
    update({ holds }) {
      const names = holds.map((hold) => hold.robot_id);
      setText(part.heading, `${names.join(", ")}: ${t(`hold.${code}`)}`);
      setText(part.text, reasonText(holds[0]));
      setText(part.hint, holds[0].clear.text);
      setText(part.since, sinceText(holds[0]));
      if (robots === names.join()) return;
      robots = names.join();
      const single = names.map((name) => button(names.length > 1 ? t("resume.robot", { robot: name }) : t("resume"), () => resume(name),
        { kind: names.length > 1 ? "" : "strong", symbol: "play", allowed: live.may("control"), name: t("resume.robot", { robot: name }) }));
      const all = names.length > 1 ? [button(t("resume.all"), () => resume(...names), { kind: "strong", symbol: "play", allowed: live.may("control") })] : [];
      const look = holds[0].task_id ? [h("a", { class: "button", href: `#task/${holds[0].task_id}`, text: t("show") })] : [];
      part.actions.replaceChildren(...look, ...single, ...all);
    },
  };
}

function unknownCard({ hold }) {
  const part = card("bad", "warn", `${hold.robot_id}: ${t("hold.outcome_unknown")}`);
  const allowed = live.may("control");
  const resolve = (outcome) => resolveTask(hold.task_id, outcome);
  part.actions.append(
    h("a", { class: "button", href: `#task/${hold.task_id}`, text: t("show") }),
    button(t("resolve.completed"), () => resolve("completed"), { symbol: "check", allowed }),
    button(t("resolve.failed"), () => resolve("failed"), { symbol: "cross", allowed }),
    button(t("resolve.retry"), () => resolve("retry"), { symbol: "retry", allowed }));
  setText(part.hint, hold.clear.text);
  setText(part.since, sinceText(hold));
  return { node: part.node, update({ hold: now }) { setText(part.text, reasonText(now)); } };
}

/** A motion that stands: who holds it, what still moves, and the way to let it go on. */
function motionCard({ hold }) {
  const part = card("warn", "pause", `${hold.robot_id}: ${t("hold.motion_held")}`);
  part.actions.append(button(t("motion.resume.dots"), () => resumeMotion(hold.robot_id), { kind: "strong", symbol: "play", allowed: live.may("control"), name: `${t("motion.resume.dots")} ${hold.robot_id}` }));
  return { node: part.node, update({ hold: now }) {
    const moves = now.motion?.planned_moves;
    const state = now.motion && (now.motion.state === "holding" && moves ? t("motion.planned", { count: count(moves) }) : t(`motion.state.${now.motion.state}`));
    setText(part.text, [now.reason, state].filter(Boolean).join(" · "));
    setText(part.hint, now.clear.text);
    setText(part.since, sinceText(now));
  } };
}

/** A robot that stands in the way of another one. */
function placeCard({ reason }) {
  const part = card("warn", "warn", `${reason.queue}: ${t("wait.place", { place: reason.resource })}`);
  const away = reason.clear.action === "send_away";
  const label = away ? t("away", { robot: reason.clear.body.robot_id }) : t("release", { place: reason.resource });
  part.actions.append(
    h("a", { class: "button", href: `#task/${reason.task_id}`, text: t("show") }),
    button(label, () => clearPlace(reason), { kind: "strong", allowed: live.may(away ? "submit" : "control") }));
  setText(part.text, reason.reason);
  setText(part.hint, reason.clear.text);
  setText(part.since, sinceText(reason));
  return { node: part.node };
}

/** What waits for a robot that the configuration does not have. */
function absentCard({ hold }) {
  const name = hold.queue;
  const part = card("bad", "warn", `${name}: ${t("hold.not_configured")}`);
  part.actions.append(
    h("a", { class: "button", href: `#queue/${encodeURIComponent(name)}`, text: t("show") }),
    button(t("moveto", { robot: name }), () => moveQueue(name), { allowed: live.may("control") }),
    button(t("drop", { robot: name }), () => dropQueue(name), { symbol: "cross", allowed: live.may("submit") }));
  return { node: part.node, update({ hold: now }) { setText(part.text, now.reason); setText(part.hint, now.clear.text); setText(part.since, sinceText(now)); } };
}

function waitCard({ hold }) {
  const part = card("bad", "warn", `${hold.robot_id}: ${t(`hold.${hold.code}`)}`);
  if (hold.task_id) part.actions.append(h("a", { class: "button", href: `#task/${hold.task_id}`, text: t("show") }));
  if (hold.clear.action === "cancel") {
    const line = { task_id: hold.task_id, state: "pending", cmd_type: t("this.command"), robot_id: hold.robot_id };
    part.actions.append(button(t("task.cancel"), () => cancelTask(line), { symbol: "cross", allowed: live.may("submit") }));
  }
  return { node: part.node, update({ hold: now, holds }) {
    setText(part.heading, `${holds.map((one) => one.robot_id).join(", ")}: ${t(`hold.${now.code}`)}`);
    setText(part.text, now.reason);
    setText(part.hint, now.clear.text);
    setText(part.since, sinceText(now));
  } };
}

function approvalCard({ approval: { task: waiting, params, commands, cmd_types: types } }) {
  const part = card("ask", "ask", `${waiting.robot_id}: ${t("approve.title")}`);
  const titles = types.map((type) => titleOf(live.specs, type)).join(" → ") + (commands > types.length ? " → …" : "");
  setText(part.text, commands > 1 ? t("approve.batch", { titles, count: count(commands) }) : titles);
  setText(part.hint, [waiting.cmd_id, t("detail.by", { actor: waiting.actor })].filter(Boolean).join(" · "));
  setText(part.since, t("since", { clock: clock(waiting.submitted_at_ms) }));
  part.text.classList.add("prompt");
  part.text.after(params === null ? h("p", { text: t("approve.long") }) : paramsOf(params));
  part.actions.append(
    h("a", { class: "button", href: `#task/${waiting.task_id}`, text: t("show") }), ...decisionButtons(waiting));
  return { node: part.node };
}

/** The parameters of a command as somebody reads them before they agree. */
function paramsOf(params) {
  const rows = Object.entries(params || {}).map(([name, value]) =>
    h("div", {}, h("dt", { text: fieldName(name) }), h("dd", { text: typeof value === "string" ? value : JSON.stringify(value) })));
  return rows.length ? h("dl", { class: "params" }, rows) : h("p", { class: "quiet", text: t("submit.none") });
}

/** Approve, and reject with a reason that whoever submitted it reads. */
export function decisionButtons(waiting, then = () => {}) {
  const allowed = live.may("control");
  const title = `${titleOf(live.specs, waiting.cmd_type)} ${waiting.cmd_id || waiting.task_id}`;
  const reject = async () => {
    const reason = h("input", { id: "reject-reason", type: "text", maxlength: 1000, autocomplete: "off" });
    const field = h("div", { class: "field" }, h("label", { for: "reject-reason", text: t("reject.reason") }), reason);
    if (await confirm({ title: t("reject.ask", { title: titleOf(live.specs, waiting.cmd_type) }), text: t("reject.text"), yes: t("reject"), field, over: approvalOver(waiting) })) {
      tell((await post(task(waiting.task_id, "reject"), { reason: reason.value.trim(), revision: waiting.revision })).message);
      live.refresh();
      then();
    }
  };
  return [
    button(t("reject.dots"), reject, { symbol: "cross", name: `${t("reject.dots")} ${title}`, allowed }),
    button(t("approve"), () => approveTask(waiting, then), { kind: "primary", symbol: "check", name: `${t("approve")}: ${title}`, allowed }),
  ];
}

function questionCard({ robot, task: asking }) {
  const question = asking.waiting_for;
  const part = card("ask", "ask", askingTitle(robot.robot_id, asking));
  setText(part.text, question.prompt);
  part.text.classList.add("prompt");
  setText(part.since, t("question.until", { clock: clock(question.deadline_ms) }));
  part.hint.remove();
  const form = questionForm(asking);
  part.node.classList.add("wide");
  part.actions.replaceWith(form);
  // somebody else was quicker while this one was being filled in
  return { node: part.node, gone() { if (form.dataset.touched && !form.dataset.sent) tell(t("over.question", { robot: robot.robot_id }), { bad: true }); } };
}

/** The form that answers what a running command asks. */
export function questionForm(asking) {
  const question = asking.waiting_for;
  const manual = asking.cmd_type === "MANUAL_STEP";
  const fields = formOf(question.schema, { name: "" });
  const send = h("button", { class: "primary big", disabled: !live.may("submit") }, icon("check"), h("span", { text: manual ? t("step.done") : t("answer") }));
  const note = h("p", { class: "fault", role: "alert" });
  const form = h("form", { class: "question", novalidate: true }, fields.node, note, h("div", { class: "buttons" }, send));
  form.addEventListener("input", () => { form.dataset.touched = "yes"; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    setText(note, "");
    try {
      const value = fields.value();
      send.setAttribute("aria-busy", "true");
      form.dataset.sent = "yes";
      await post(withQuery(task(asking.task_id, "input"), { question: question.asked_at_ms }), value);
      tell(t("answered"));
      live.refresh();
    } catch (error) {
      delete form.dataset.sent;
      if (error instanceof FieldError) return;
      const shown = error instanceof Refused && error.body.field && fields.fault(String(error.body.field).replace(/^input\.?/, ""), error.message);
      if (!shown) setText(note, reasonOf(error));
    } finally {
      send.removeAttribute("aria-busy");
    }
  });
  return form;
}

/** A number that somebody wants to be kept in its range. */
function valueCard({ robot }) {
  const part = card("warn", "warn", `${robot.robot_id}: ${t("alarm.value")}`);
  setText(part.hint, t("alarm.value.hint"));
  return { node: part.node, update({ value, alarm }) {
    const word = ["low", "high"].includes(value.state) ? t(`value.${value.state}`, { range: rangeText(value) }) : rangeText(value);
    setText(part.text, `${valueName(value)}: ${withUnit(value.value, value.unit)} · ${word}`);
    setText(part.since, sinceText(alarm));
  } };
}

/** What is to be seen to; whoever has done it says so here. */
function careCard({ robot, care }) {
  let item = care;
  const part = card("warn", "warn", `${robot.robot_id}: ${t("alarm.maintenance")}`);
  part.actions.append(button(t("care.done"), () => careDone(item), { kind: "strong", symbol: "check", allowed: live.may("control"), name: `${t("care.done")} ${care.item}` }));
  setText(part.hint, t(care.holds ? "care.holds" : "care.warns"));
  return { node: part.node, update({ care: now, alarm }) {
    item = now;
    setText(part.text, [now.item.replaceAll("_", " "), now.text, usedText(now)].filter(Boolean).join(" · "));
    setText(part.since, sinceText(alarm));
  } };
}

/** Files that are not taken: no room, a full disk. */
function folderCard({ reason }) {
  const part = card("warn", "warn", t("wait.folder", { folder: reason.folder }));
  return { node: part.node, update({ reason: now }) {
    setText(part.text, [now.reason, t("wait.files", { count: count(now.files) })].join(" · "));
    setText(part.hint, now.clear.text);
    setText(part.since, sinceText(now));
  } };
}

const MAKERS = { value: valueCard, care: careCard, folder: folderCard, estop: estopCard, resume: resumeCard, motion: motionCard, place: placeCard, absent: absentCard, unknown: unknownCard, wait: waitCard, approval: approvalCard, question: questionCard };

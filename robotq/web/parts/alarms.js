// Alarms: what somebody has to act on, as the daemon orders them. Each has the words of the hold,
// the question or the wait that it stands for.

import { post } from "../base/api.js";
import { h, setText, show } from "../base/dom.js";
import { clock, duration, passing, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { button, question, tell } from "../base/ui.js";
import { holdsIn } from "./decide.js";
import { shortReason } from "./reasons.js";
import { coreOf } from "./state.js";
import { valueName, withUnit } from "./values.js";

/** `{ title, reason }` of an alarm, from what the page knows; `short` is the title where the reason says the rest. */
export function wordsOf(alarm, look) {
  const robot = look.robots.find((one) => one.robot_id === alarm.robot_id);
  const name = (text) => (alarm.robot_id ? `${alarm.robot_id}: ${text}` : text);
  if (alarm.code === "estop") return { title: t("estop.latched"), reason: look.estop_holds[0]?.reason ?? "" };
  if (alarm.code === "question") {
    const asking = robot?.running;
    return { title: asking ? askingTitle(alarm.robot_id, asking) : t("question", { robot: alarm.robot_id }), short: asking?.cmd_type === "MANUAL_STEP" ? null : t("question", { robot: alarm.robot_id }), reason: asking?.waiting_for?.prompt ?? "" };
  }
  if (alarm.code === "approval") {
    const waiting = robot?.approvals.find((one) => one.task.task_id === alarm.task_id)?.task;
    return { title: name(t("approve.title")), reason: waiting ? titleOf(live.specs, waiting.cmd_type) : "" };
  }
  if (alarm.code === "value") {
    const value = robot?.values.find((one) => alarm.id === `value-${alarm.robot_id}-${one.name}`);
    return { title: name(t("alarm.value")), reason: value ? `${valueName(value)}: ${withUnit(value.value, value.unit)}` : "" };
  }
  if (alarm.code === "maintenance_due") {
    const item = robot?.maintenance.find((one) => alarm.id === `maintenance-${alarm.robot_id}-${one.item}-${one.since_ms}`);
    return { title: name(t("alarm.maintenance")), reason: item ? item.text || item.item.replaceAll("_", " ") : "" };
  }
  const wait = look.why.map(coreOf).find((one) => one.kind === "wait" && one.queue === alarm.robot_id && (one.task_id ?? null) === alarm.task_id);
  if (alarm.code === "resource") return { title: name(t("wait.place", { place: wait?.resource ?? "" })), reason: wait?.reason ?? "" };
  if (alarm.code === "folder") return { title: t("wait.folder", { folder: wait?.folder ?? "" }), reason: wait?.reason ?? "" };
  const hold = holdsIn(look).find((one) => one.id === alarm.id);
  return { title: name(t(`hold.${alarm.code}`)), reason: hold ? shortReason(hold, look) : "" };
}

/** Who asks, and in which command; a step by hand is all that its command is. */
export function askingTitle(robot, asking) {
  if (asking.cmd_type === "MANUAL_STEP") return t("question.manual", { robot });
  return `${t("question", { robot })}: ${titleOf(live.specs, asking.cmd_type)}`;
}

const SIGNS = { estop: "stop", question: "ask", approval: "ask", paused: "pause", restarted: "pause", motion_held: "pause" };
export const signOf = (alarm) => SIGNS[alarm.code] ?? "warn";

/** For how long it has been standing, by the clock of the daemon. */
export const waitedFor = (alarm) => passing((live.now() - alarm.since_ms) / 1000);

/** Who has seen it, or since when nobody makes a noise of it; empty while neither. */
export function seenText(alarm) {
  const parts = [];
  if (alarm.acknowledged_by) parts.push(t("alarm.seen", { actor: alarm.acknowledged_by, clock: clock(alarm.acknowledged_at_ms) }));
  if (alarm.shelved_until_ms) parts.push(t("alarm.shelved", { actor: alarm.shelved_by, clock: clock(alarm.shelved_until_ms) }));
  return parts.join(" · ");
}

export const isLoud = (alarm) => !alarm.acknowledged_by && !alarm.shelved_until_ms;

const SHELVES = [15, 60, 240]; // minutes; each ends by itself

/** Under a notice: its priority, whether it came first, who has seen it, and the two buttons. */
export function alarmTools() {
  let alarms = [];
  const priority = h("span", { class: "priority" });
  const first = h("span", { class: "priority first", text: t("alarm.first") });
  const seen = h("span", { class: "quiet" });
  const acknowledge = button(t("alarm.ack"), () => all("acknowledge", {}, (alarm) => !alarm.acknowledged_by),
    { kind: "small", symbol: "check", allowed: live.may("submit"), title: t("alarm.ack.title") });
  const shelve = button(t("alarm.shelve"), () => shelveFor(), { kind: "small", allowed: live.may("control"), title: t("alarm.shelve.title") });
  const sound = button(t("alarm.sound"), () => all("shelve", { minutes: 0 }), { kind: "small", allowed: live.may("control") });
  const node = h("div", { class: "alarm" }, priority, first, seen, acknowledge, shelve, sound);

  async function all(action, body, wanted = () => true) {
    let answer = null;
    for (const alarm of alarms.filter(wanted)) answer = await post(`alarms/${encodeURIComponent(alarm.id)}/${action}`, body);
    if (answer) tell(answer.message);
    live.refresh();
  }

  async function shelveFor() {
    const ids = new Set(alarms.map((alarm) => alarm.id));
    const minutes = await question({
      title: t("alarm.shelve.ask"), text: t("alarm.shelve.text"),
      buttons: [{ value: "", text: t("cancel"), focus: true }, ...SHELVES.map((one) => ({ value: String(one), text: duration(one * 60) }))],
      over: (look) => (look.alarms.some((alarm) => ids.has(alarm.id)) ? null : t("over.ended")),
    });
    if (minutes) await all("shelve", { minutes: Number(minutes) });
  }

  return { node, update(now) {
    alarms = now;
    show(node, now.length > 0);
    if (!now.length) return;
    const loud = now.some((alarm) => !alarm.acknowledged_by);
    setText(priority, t(`priority.${now[0].priority}`));
    priority.dataset.priority = now[0].priority;
    show(first, now.some((alarm) => alarm.first));
    setText(seen, seenText(now.find((alarm) => alarm.acknowledged_by || alarm.shelved_until_ms) ?? now[0]));
    show(acknowledge, loud);
    show(shelve, loud && !now.some((alarm) => alarm.shelved_until_ms));
    show(sound, now.some((alarm) => alarm.shelved_until_ms));
  } };
}

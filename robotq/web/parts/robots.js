// One lane for each robot: what it does, how far it is, and what waits for it.

import { post, robot as robotPath } from "../base/api.js";
import { cancelTask, heldSince, resumable, resumeHolds, resumeMotion } from "./decide.js";
import { h, icon, list, setAttribute, setText, show } from "../base/dom.js";
import { clock, count, duration, fieldName, passing, stepName, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { menu } from "../base/menu.js";
import { jogPart } from "./jog.js";
import { rawPart } from "./raw.js";
import { button, confirm, tell } from "../base/ui.js";
import { valuesPart } from "./values.js";
import { ownOf, queuePart } from "../views/queue.js";
import { clearPlace } from "./decide.js";
import { sendChoices } from "./places.js";
import { besidePart } from "./beside.js";
import { reasonText } from "./reasons.js";
import { coreOf, faceOf } from "./state.js";

const STEPS = 4;
const FACED = ["idle", "held", "disconnected"];

export function lanes() {
  const node = h("div", { class: "lanes" });
  const parts = new Set();
  return {
    node,
    update(look) {
      list(node, look.robots, (robot) => robot.robot_id, (robot) => { const part = lane(robot); parts.add(part); return part; });
    },
    tick() { for (const part of parts) if (part.node.isConnected) part.tick(); else parts.delete(part); },
  };
}

function stateOf(robot) {
  if (robot.holds.some((hold) => hold.code === "estop")) return "stopped";
  if (robot.running?.waiting_for) return "asking";
  if (robot.motion_held || robot.holds.some((hold) => hold.code === "motion_held")) return "paused";
  return robot.state;
}

function lane(first) {
  const name = first.robot_id;
  let robot = first;
  const state = h("span", { class: "pill" });
  const where = h("p", { class: "where quiet" });
  const work = runningPart();
  const idle = h("p", { class: "nothing-to-do" });
  const values = valuesPart();
  const beside = besidePart();
  const clear = h("div", { class: "buttons" });
  const waiting = queuePart();
  const number = h("span", { class: "number" });
  const more = h("a", { class: "more", href: `#queue/${encodeURIComponent(name)}` });
  const nothing = h("p", { class: "quiet none", text: t("waiting.none") });
  const pause = menu({ label: t("pause"), symbol: "pause", name, choices: pauseChoices });
  const send = menu({ label: t("send.to"), symbol: "send", name, choices: () => sendChoices(robot) });
  const stop = button(t("robot.stop"), async () => {
    const sure = await confirm({ title: t("robot.stop.ask", { robot: name }), text: t("robot.stop.text"), yes: t("robot.stop.yes") });
    if (sure) done(await post(robotPath(name, "stop")));
  }, { symbol: "stop", name: `${t("robot.stop")} ${name}` });
  const cancel = button(t("task.cancel"), () => cancelTask(robot.running), { symbol: "cross", allowed: live.may("submit") });
  const motionHeld = () => robot.motion_held || robot.holds.some((hold) => hold.code === "motion_held");
  const held = () => robot.holds.some((hold) => ["paused", "failure", "restarted", "shutdown"].includes(hold.code));
  const jog = jogPart(name);
  const raw = rawPart(name);
  const node = h("section", { class: "lane", "aria-label": name, tabindex: -1 },
    h("div", { class: "card robot" },
      h("div", { class: "lane-head" }, h("h2", { text: name }), state), where,
      work.node, idle, clear, values.node, beside.node,
      h("div", { class: "buttons controls" }, cancel, pause.node, send.node, stop), jog.node, raw.node),
    h("div", { class: "card waiting" },
      h("h3", {}, h("span", { text: t("waiting") }), number, more), nothing, waiting.node));

  /** What can be paused or goes on, at this moment: the motion, and the queue. */
  function pauseChoices() {
    const allowed = live.may("control");
    const motion = motionHeld()
      ? [{ text: t("motion.resume"), symbol: "play", allowed, doing: () => resumeMotion(name) }]
      : robot.can_hold && robot.running
        ? [{ text: t("motion.pause"), hint: t("motion.pause.hint"), symbol: "pause", allowed, doing: () => post(robotPath(name, "hold")).then(done) }] : [];
    const queue = held()
      ? { text: t("queue.resume"), symbol: "play", allowed, doing: () => resumeHolds([name], resumable([name])) }
      : { text: t("queue.pause"), hint: t(robot.running ? "queue.pause.running" : "queue.pause.idle"), symbol: "pause", allowed, doing: () => post("queue/pause", { robot_id: name }).then(done) };
    return [...motion, queue];
  }

  /** The button beside the reason for which nothing starts. */
  function clearing() {
    const core = robot.running ? null : robot.why.map(coreOf).find((one) => one.clear?.action === "send_away");
    const key = core ? `${core.task_id}${core.resource}${core.occupied_by}` : "";
    if (clear.dataset.key === key) return;
    clear.dataset.key = key;
    clear.replaceChildren(...(core ? [button(t("away", { robot: core.clear.body.robot_id }), () => clearPlace(core), { kind: "strong", allowed: live.may("submit") })] : []));
  }
  return {
    node,
    update(now) {
      robot = now;
      const word = stateOf(robot);
      // where nothing runs, the word of the wall: that a queue is paused and that a motion is held are two things
      const face = faceOf(robot);
      const tone = { bad: "stopped", warn: "held" }[face.tone] ?? word;
      setText(state, FACED.includes(word) ? face.word : t(`state.${word}`));
      setAttribute(state, "class", `pill ${FACED.includes(word) ? tone : word}`);
      setAttribute(node, "data-state", word);
      setAttribute(node, "data-tone", face.tone);
      setText(where, whereText(robot));
      show(work.node, robot.running !== null);
      show(idle, robot.running === null);
      show(cancel, robot.running !== null);
      values.update(robot);
      beside.update(robot);
      jog.update(robot);
      raw.update(robot);
      if (robot.running) work.update(robot);
      else setText(idle, idleText(robot));
      clearing();
      pause.update();
      send.update();
      show(send.node, sendChoices(robot).length > 0);
      setText(number, robot.waiting ? count(robot.waiting) : "");
      show(nothing, robot.waiting === 0);
      show(more, robot.waiting > 1);
      setText(more, t("waiting.all", { count: count(robot.waiting) }));
      waiting.update(robot);
    },
    tick() { if (robot.running) work.tick(); values.tick(); },
  };
}

/** What an idle robot waits for; that there is nothing to do only where nothing waits. */
function idleText(robot) {
  if (robot.holds.length) return t("now.idle.held", { reason: reasonText(robot.holds[0]) });
  const why = robot.why[0];
  if (why?.code === "approval" || (!why && robot.undecided)) return t("now.idle.approval");
  if (why?.code === "not_before" && robot.next[0]?.starts_in_s) return t("now.idle.time", { clock: clock(live.now() + robot.next[0].starts_in_s * 1000) });
  if (why) return t("now.idle.waits", { reason: why.reason });
  return t(robot.waiting ? "now.idle.starting" : "now.idle");
}

function done(answer) { tell(answer.message); live.refresh(); }

function whereText(robot) {
  const parts = [];
  if (robot.connected && robot.place) parts.push(t("place", { place: robot.place }));
  else if (robot.connected && robot.simulated) parts.push(t("underway"));
  const battery = robot.details.battery_percent;
  const shown = robot.values.some((value) => value.name === "battery");
  if (typeof battery === "number" && !shown) parts.push(t("battery", { percent: Math.round(battery) }));
  if (robot.status_error) parts.push(robot.status_error);
  return parts.join(" · ");
}

/** The part of a lane that shows its running command. */
function runningPart() {
  let running = null;
  let motion = null;
  const title = h("a", { class: "title" });
  const own = h("span", { class: "quiet own" });
  const step = h("p", { class: "step" });
  const bar = h("div", { class: "fill" });
  const meter = h("div", { class: "meter", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, bar);
  const percent = h("span", { class: "percent" });
  const left = h("span", { class: "left" });
  const ready = h("span", { class: "quiet" });
  const past = h("ol", { class: "past" });
  const node = h("div", { class: "work" },
    h("div", { class: "what" }, title, own), step, meter,
    h("div", { class: "times" }, percent, left, ready), past);

  function tick() {
    // nothing old looks as if it were so now
    const now = live.stale ? live.answeredAt + live.offsetMs : live.now();
    const elapsed = (now - running.started_at_ms) / 1000;
    const remaining = running.eta_ms === null || running.eta_ms === undefined ? null : (running.eta_ms - now) / 1000;
    let share = running.progress;
    if (share === null && remaining !== null && elapsed + remaining > 0) share = Math.min(0.99, elapsed / (elapsed + Math.max(0, remaining)));
    node.classList.toggle("unknown", share === null);
    // a whole bar would say that it is all done
    const stands = motion !== null || Boolean(running.waiting_for);
    show(meter, share !== null || !stands);
    bar.style.inlineSize = share === null ? "100%" : `${(share * 100).toFixed(1)}%`;
    setAttribute(meter, "aria-valuenow", share === null ? null : Math.round(share * 100));
    setText(percent, share === null ? "" : `${Math.round(share * 100)} %`);
    if (motion) setText(left, heldSince(motion));
    else if (running.waiting_for) setText(left, t("now.waits"));
    else if (remaining === null) setText(left, t("now.for", { time: passing(elapsed) }));
    else if (running.remaining_s === 0) setText(left, t("now.longer", { time: passing(elapsed) }));
    else setText(left, remaining < 1 ? t("now.soon") : t("now.left", { time: passing(remaining) }));
    if (stands) setText(ready, "");
    else setText(ready, remaining === null || running.remaining_s === 0 ? t("now.unknown") : t("now.ready", { clock: clock(running.eta_ms, { seconds: remaining < 600 }) }));
  }
  return {
    node,
    tick,
    update(robot) {
      running = robot.running;
      motion = robot.holds.find((hold) => hold.code === "motion_held") ?? null;
      const words = titleOf(live.specs, running.cmd_type);
      setText(title, words);
      setAttribute(title, "href", `#task/${running.task_id}`);
      setText(own, ownOf(running));
      setAttribute(meter, "aria-label", words);
      const current = running.steps.findLast((part) => part.state === "running");
      setText(step, current ? stepText(current) : " ");
      setAttribute(node, "data-state", running.waiting_for ? "asking" : motion || robot.motion_held ? "paused" : "running");
      const ended = running.steps.filter((part) => part.state !== "running").slice(-STEPS);
      list(past, ended, (part) => `${part.started_at_ms}${part.name}`, (part) => ({
        node: h("li", { class: part.state }, icon(part.state === "failed" ? "cross" : "check"), h("span", { text: stepText(part) }), h("span", { class: "quiet", text: duration(part.duration_s) })),
      }));
      tick();
    },
  };
}

/** A step with what it is about: Scanning · bottle_002. */
export function stepText(step) {
  const about = Object.entries(step.detail)
    .filter(([name, value]) => name !== "motion" && ["string", "number"].includes(typeof value))
    .map(([name, value]) => (typeof value === "number" ? `${fieldName(name)} ${value}` : value));
  return [stepName(step.name), ...about.slice(0, 2)].join(" · ");
}

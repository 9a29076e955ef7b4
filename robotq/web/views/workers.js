// Programs elsewhere that take tasks: who is there, in which group, and what they have.

import { get } from "../base/api.js";
import { h, list, setText, show } from "../base/dom.js";
import { clock, count, duration, t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { resumeHolds } from "../parts/decide.js";
import { button, reasonOf } from "../base/ui.js";

const EVERY_MS = 1000;
const SHOWN = 200; // of each queue

export function workersView() {
  let askedAt = 0;
  let timer = null;
  const queues = h("div", { class: "groups" });
  const refused = h("p", { class: "quiet" });
  const none = h("p", { class: "quiet none", text: t("workers.none"), hidden: true });
  const fault = h("p", { class: "fault", role: "alert" });
  const node = h("div", {}, h("h1", { text: t("workers.title") }), fault, none, queues, refused);

  async function load() {
    askedAt = Date.now();
    const found = await get("workers").catch((error) => { setText(fault, reasonOf(error)); return null; });
    if (found === null) return;
    setText(fault, "");
    const groups = Object.entries(found.queues)
      .map(([name, queue]) => ({ ...queue, queue: name, workers: found.workers.filter((worker) => worker.queue === name).slice(0, SHOWN) }))
      .filter((queue) => queue.workers.length || queue.waiting || queue.running || queue.held || elsewhere(queue));
    list(queues, groups, (queue) => queue.queue, group);
    show(none, groups.length === 0);
    setText(refused, found.refused ? t("workers.refused", { count: count(found.refused) }) : "");
  }
  function update() {
    // not now is soon: what has just changed is not left until something else does
    timer ??= setTimeout(() => { timer = null; if (node.isConnected) load(); }, Math.max(0, askedAt + EVERY_MS - Date.now()));
  }
  return { node, open: load, update };
}

function group(first) {
  const waiting = h("span", { class: "number" });
  const hold = h("p", { class: "wait" });
  const nobody = h("p", { class: "wait", text: t("workers.nobody") });
  const others = h("p", { class: "quiet" });
  const resumes = button(t("resume"), () => resumeHolds([first.queue], seen, overOf([...seen])), { kind: "strong", symbol: "play", name: t("resume.robot", { robot: queueName(first.queue) }), allowed: live.may("control") });
  const rows = h("ul", { class: "worker-list" });
  let seen = [];
  const overOf = (asked) => () => {
    if (seen.some((one) => !asked.some((known) => known.id === one.id))) return t("over.hold");
    return seen.length < asked.length ? t("over.lifted") : null;
  };
  return { node: h("section", { class: "card", "aria-label": queueName(first.queue) }, h("h3", {}, h("span", { text: queueName(first.queue) }), waiting), hold, resumes, nobody, rows, others), update(queue) {
    setText(waiting, t("workers.queue", { count: count(queue.waiting) }));
    setText(hold, queue.holds.map((one) => t("workers.held", { reason: one.reason })).join(" "));
    show(hold, queue.holds.length > 0);
    seen = queue.holds.filter((one) => one.clear.action === "resume");
    show(resumes, queue.holds.some((one) => one.clear.action === "resume"));
    show(nobody, queue.waiting > 0 && !queue.held && !elsewhere(queue) && queue.workers.every((worker) => worker.state === "silent"));
    show(others, elsewhere(queue) > 0);
    setText(others, t("workers.elsewhere", { count: count(elsewhere(queue)) }));
    list(rows, queue.workers, (worker) => worker.worker_id, (worker) => workerRow(worker));
  } };
}

/** How many talk to other daemons that serve the same queue. */
const elsewhere = (queue) => (queue.elsewhere ?? []).reduce((sum, one) => sum + one.workers, 0);
const queueName = (name) => t(`queue.${name}`);
const PILLS = { busy: "running", idle: "idle", silent: "disconnected" };

function workerRow(first) {
  const state = h("span", { class: "pill" });
  const lost = h("p", { class: "fault" });
  const about = h("p", { class: "quiet" });
  const tasks = h("ul", {});
  return { node: h("li", { class: "row" }, h("div", { class: "row-words" }, h("div", { class: "what" }, h("span", { class: "title", text: first.worker_id }), state), tasks, lost, about)), update(worker) {
    const connected = worker.transport === "websocket";
    state.className = `pill ${PILLS[worker.state]}`;
    setText(state, t(`workers.${worker.state}`));
    setText(lost, worker.expired ? t("workers.expired", { count: count(worker.expired), clock: clock(worker.expired_ms, { seconds: true }) }) : "");
    setText(about, [
      worker.match && t("workers.group", { group: worker.match }),
      connected ? t("workers.connected", { clock: clock(worker.since_ms) }) : t("workers.seen", { time: duration(Math.max(0, Math.round((live.now() - worker.seen_ms) / 1000))) }),
      t("workers.completed", { count: count(worker.completed) }), worker.failed && t("workers.failed", { count: count(worker.failed) }), worker.address,
    ].filter(Boolean).join(" · "));
    list(tasks, worker.running, (task) => task.task_id, (task) => runningRow(task));
  } };
}

/** What a worker has, how far it is, and until when it is believed to work on it. */
function runningRow(first) {
  const about = h("span", { class: "quiet" });
  return { node: h("li", { class: "runs" }, h("a", { href: `#task/${first.task_id}`, text: first.cmd_type }), about), update(task) {
    setText(about, [
      task.progress !== null && `${Math.round(task.progress * 100)} %`,
      t("workers.for", { time: duration(Math.max(0, Math.round((live.now() - task.started_at_ms) / 1000))) }),
      task.attempt > 1 && t("workers.attempt", { count: task.attempt }),
      task.lease_until_ms && t("workers.lease", { clock: clock(task.lease_until_ms, { seconds: true }) }),
    ].filter(Boolean).join(" · "));
  } };
}

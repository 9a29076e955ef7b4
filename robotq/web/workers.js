// Programs elsewhere that take tasks: who is there, in which group, and what they have.

import { get } from "./api.js";
import { h, list, setText, show } from "./dom.js";
import { clock, count, duration, t } from "./i18n.js";
import { live } from "./live.js";
import { reasonOf } from "./ui.js";

const EVERY_MS = 2000;
const SHOWN = 200; // of each queue

export function workersView() {
  let askedAt = 0;
  const queues = h("div", { class: "groups" });
  const none = h("p", { class: "quiet none", text: t("workers.none") });
  const fault = h("p", { class: "fault", role: "alert" });
  const node = h("div", {}, h("h1", { text: t("workers.title") }), fault, none, queues);

  async function load() {
    askedAt = Date.now();
    const found = await get("workers").catch((error) => { setText(fault, reasonOf(error)); return null; });
    if (found === null) return;
    setText(fault, "");
    const groups = Object.entries(found.queues)
      .map(([name, queue]) => ({ ...queue, queue: name, workers: found.workers.filter((worker) => worker.queue === name).slice(0, SHOWN) }))
      .filter((queue) => queue.workers.length || queue.waiting || queue.running);
    list(queues, groups, (queue) => queue.queue, group);
    show(none, groups.length === 0);
  }
  return { node, open: load, update() { if (Date.now() - askedAt > EVERY_MS) load(); } };
}

function group(first) {
  const waiting = h("span", { class: "number" });
  const rows = h("ul", { class: "worker-list" });
  return { node: h("section", { class: "card" }, h("h3", {}, h("span", { text: first.queue.replaceAll("_", " ") }), waiting), rows), update(queue) {
    setText(waiting, t("workers.queue", { count: count(queue.waiting) }));
    list(rows, queue.workers, (worker) => worker.worker_id, (worker) => workerRow(worker));
  } };
}

function workerRow(first) {
  const state = h("span", { class: "pill" });
  const about = h("span", { class: "quiet" });
  const tasks = h("span", {});
  return { node: h("li", { class: "row" }, h("div", { class: "row-words" }, h("div", { class: "what" }, h("span", { class: "title", text: first.worker_id }), state), about, tasks)), update(worker) {
    const busy = worker.tasks.length > 0;
    state.className = `pill ${busy ? "running" : "idle"}`;
    setText(state, t(busy ? "workers.busy" : "workers.idle"));
    setText(about, [worker.match && t("workers.group", { group: worker.match }), worker.transport, t("since", { clock: clock(worker.since_ms) }), duration((live.now() - worker.seen_ms) / 1000), `✓ ${worker.completed}`, worker.failed && `✕ ${worker.failed}`].filter(Boolean).join(" · "));
    list(tasks, worker.tasks.map((id) => ({ id })), (task) => task.id, (task) => ({ node: h("a", { class: "own", href: `#task/${task.id}`, text: task.id }) }));
  } };
}

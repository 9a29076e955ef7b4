// What happens, line by line: events of the journal, and requests to the daemon.

import { get, withQuery } from "../base/api.js";
import { h, list, setAttribute, show } from "../base/dom.js";
import { clock, duration, stepName, t, titleOf } from "../base/i18n.js";
import { WORDS } from "../base/words.js";
import { live } from "../base/live.js";

const SHOWN = 200;
const EVERY_MS = 2000;
const KINDS = ["task.", "task.step", "hold.", "estop.", "robot.", "daemon."];

export function logView() {
  let tab = "events";
  let requests = [];
  let known = false; // whether the requests were ever told
  let held = false;
  let painting = null;
  const filter = h("select", { id: "log-filter" }, h("option", { value: "", text: t("all") }), KINDS.map((kind) => h("option", { value: kind, text: kind })));
  const hold = h("input", { type: "checkbox", id: "log-hold" });
  const rows = h("ol", { class: "log" });
  const none = h("p", { class: "quiet none", text: t("log.none"), hidden: true });
  const tabs = ["events", "requests"].map((name) => h("button", { type: "button", text: t(`log.${name}`), onclick: () => choose(name), "data-tab": name }));
  const filterBox = h("span", { class: "inline" }, h("label", { for: "log-filter", text: t("log.filter") }), filter);
  const node = h("div", {}, h("div", { class: "view-head" }, h("h1", { text: t("log.title") }), h("div", { class: "segments", role: "group" }, tabs), filterBox,
    h("span", { class: "inline" }, hold, h("label", { for: "log-hold", text: t("log.hold") }))), h("div", { class: "card log-card", tabindex: 0, role: "region", "aria-label": t("log.title") }, none, rows));
  filter.addEventListener("change", paint);
  hold.addEventListener("change", () => { held = hold.checked; paint(); });

  function choose(name) {
    tab = name;
    for (const button of tabs) setAttribute(button, "aria-pressed", button.dataset.tab === name);
    show(filterBox, name === "events");
    if (name === "requests") loadRequests();
    paint();
  }

  async function loadRequests() {
    // where the daemon does not answer, the bar says so
    const found = await get(withQuery("dashboard/requests", { after: requests[0]?.id })).catch(() => null);
    if (found === null) return;
    known = true;
    // after a restart of the daemon they are counted from one again
    if (found.requests.length === 0 || found.requests[0].id > (requests[0]?.id ?? 0)) requests = [...found.requests.reverse(), ...requests].slice(0, SHOWN);
    paint();
  }

  function paint() {
    if (held || !node.isConnected) return;
    if (tab === "events") {
      const chosen = live.events.filter((event) => event.kind.startsWith(filter.value) && (filter.value !== "task." || event.kind !== "task.step"));
      const latest = chosen.slice(-SHOWN).reverse();
      list(rows, latest, (event) => `e${event.id}`, eventRow);
      show(none, live.streaming && latest.length === 0);
    } else {
      list(rows, requests, (request) => `r${request.id}`, requestRow);
      show(none, known && requests.length === 0);
    }
  }

  setInterval(() => { if (tab === "requests" && !held && node.isConnected && !document.hidden) loadRequests(); }, EVERY_MS);
  choose("events");
  return {
    node,
    open: paint,
    update() {},
    event() { painting ??= setTimeout(() => { painting = null; paint(); }, 200); },
  };
}

const sign = (event) => {
  if (event.kind.startsWith("estop.latched") || event.kind === "task.failed") return "bad";
  if (event.kind === "hold.set" || event.kind === "task.question" || event.kind === "task.cancelled") return "warn";
  return event.kind === "task.completed" ? "good" : "";
};

function eventRow(event) {
  const word = WORDS[`kindof.${event.kind}`] ? t(`kindof.${event.kind}`) : event.kind;
  const { cmd_type: cmdType, step, code, reason, state, duration_s: seconds, ...rest } = event.data;
  const about = [cmdType && titleOf(live.specs, cmdType), step && stepName(step), step && (state === "running" ? t("log.begins") : seconds !== undefined && t("log.done", { time: duration(seconds) })), code && t(`hold.${code}`), typeof reason === "string" && !reason.startsWith("reason.") && reason,
    ...Object.entries(rest).filter(([, value]) => ["string", "number"].includes(typeof value) && value !== "").slice(0, 3).map(([name, value]) => `${name} ${value}`)].filter(Boolean);
  return { node: h("li", { class: sign(event) },
    h("time", { class: "quiet", text: clock(event.at_ms, { seconds: true }) }),
    h("span", { class: "kind", text: word }),
    h("span", { class: "about" }, event.robot_id && h("b", { text: `${event.robot_id} ` }), about.join(" · ")),
    h("span", { class: "quiet who" }, event.task_id && h("a", { href: `#task/${event.task_id}`, text: event.task_id }), ` ${event.actor}`)) };
}

function requestRow(request) {
  return { node: h("li", { class: request.status >= 500 ? "bad" : request.status >= 400 ? "warn" : "" },
    h("time", { class: "quiet", text: clock(request.at_ms, { seconds: true }) }),
    h("span", { class: "kind mono", text: `${request.method} ${request.status}` }),
    h("span", { class: "about mono", text: request.path }),
    h("span", { class: "quiet who", text: `${request.duration_ms} ms ${request.caller}` })) };
}

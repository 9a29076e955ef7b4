// The last hours, drawn: what each robot did, how many commands ended, how long they took,
// what went wrong. Bounded: the latest thousand commands.

import { get, withQuery } from "../base/api.js";
import { h, s, setText, show } from "../base/dom.js";
import { clock, count, duration, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { reasonOf } from "../base/ui.js";

const KEPT = 1000;
const HOURS = [1, 4, 12, 24];
const REST_MS = 2000;
const HOUR_REST_MS = 5000;
const COLUMNS = 48;
const ENDS = ["completed", "failed", "cancelled"];

/** The latest ended commands: asked for once, and then only what is new. */
class Past {
  constructor() {
    this.ended = [];
    this.running = [];
    this.complete = true;
    this.askedAt = 0;
    this.asking = false;
  }

  /** Whether there is anything to draw now. */
  async load(failed = () => {}) {
    if (this.asking) return false;
    this.asking = true;
    this.askedAt = Date.now();
    const found = await get(withQuery("dashboard/charts", { after_ms: this.ended[0]?.ended_at_ms })).catch((error) => { failed(error); return null; });
    this.asking = false;
    if (found === null) return false;
    const known = new Set(this.ended.map((one) => one.task_id));
    this.ended = [...found.ended.filter((one) => !known.has(one.task_id)), ...this.ended].slice(0, KEPT);
    this.running = found.running;
    this.complete = found.complete && this.ended.length < KEPT;
    return true;
  }
}

/** What each robot did in the last hour, for a screen that has room for it. */
export function hourPart() {
  const past = new Past();
  const gantt = part("charts.lately");
  gantt.node.classList.add("hour");
  return {
    node: gantt.node,
    async update() {
      if (gantt.node.offsetParent === null || Date.now() - past.askedAt < HOUR_REST_MS || !(await past.load())) return;
      const to = live.now();
      drawGantt(gantt.box, past.ended, past.running, to - 3600000, to);
    },
  };
}

export function chartsView() {
  let past = new Past();
  let hours = 1;
  const range = h("select", { id: "charts-range" }, HOURS.map((one) => h("option", { value: one, text: one === 1 ? t("charts.hour") : t("charts.hours", { count: one }) })));
  const fault = h("p", { class: "fault", role: "alert" });
  const note = h("p", { class: "quiet" });
  const gantt = part("charts.gantt");
  const throughput = part("charts.throughput");
  const durations = part("charts.durations");
  const failures = part("charts.failures");
  const node = h("div", {},
    h("div", { class: "view-head" }, h("h1", { text: t("charts.title") }), h("span", { class: "inline" }, h("label", { for: "charts-range", text: t("charts.range") }), range)),
    fault, h("div", { class: "charts" }, gantt.node, throughput.node, durations.node, failures.node), note);
  range.addEventListener("change", () => { hours = Number(range.value); draw(); });

  async function load() {
    if (await past.load((error) => setText(fault, reasonOf(error)))) { setText(fault, ""); draw(); }
  }

  function draw() {
    const to = live.now();
    const from = to - hours * 3600000;
    const { ended, complete, running } = past;
    const inside = ended.filter((one) => one.ended_at_ms >= from);
    drawGantt(gantt.box, inside, running, from, to);
    drawThroughput(throughput.box, inside, from, to);
    drawDurations(durations.box, inside);
    drawFailures(failures.box, inside);
    show(note, !complete && (ended.at(-1)?.ended_at_ms ?? 0) > from);
    setText(note, t("charts.partial", { count: count(ended.length) }));
  }

  return {
    node,
    open() { past = new Past(); load(); },
    update() { if (Date.now() - past.askedAt > REST_MS) load(); },
  };
}

function part(word) {
  const box = h("div", { class: "chart" });
  return { box, node: h("section", { class: "card" }, h("h3", { text: t(word) }), box) };
}

const nothing = (box) => box.replaceChildren(h("p", { class: "quiet none", text: t("charts.none") }));

function ticks(from, to, width, y) {
  const steps = [5, 10, 15, 30, 60, 120, 240, 360].map((minutes) => minutes * 60000);
  const step = steps.find((one) => (to - from) / one <= 7) || steps.at(-1);
  const zone = new Date(to).getTimezoneOffset() * 60000;
  const marks = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at < to; at += step) {
    const x = ((at - from) / (to - from)) * width;
    if (x < 60 || x > width - 24) continue;
    marks.push(s("line", { x1: x, x2: x, y1: 0, y2: y, class: "grid" }), s("text", { x, y: y + 16, class: "axis middle", text: clock(at).slice(-5) }));
  }
  return marks;
}

// a chart is as wide as its box, so that its writing has the size of all other writing
const widthOf = (box) => Math.max(280, box.clientWidth);

function drawing(width, height, label, ...children) {
  return s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...children);
}

function drawGantt(box, ended, running, from, to) {
  const names = live.look.robots.map((robot) => robot.robot_id);
  const rows = 38;
  const width = widthOf(box);
  const height = names.length * rows;
  const label = names.map((name) => {
    const own = ended.filter((one) => one.robot_id === name);
    return `${name}: ${summary(own)}`;
  }).join("; ");
  const bars = [...ended, ...running.map((one) => ({ ...one, ended_at_ms: to }))]
    .filter((one) => one.started_at_ms && names.includes(one.robot_id) && one.ended_at_ms > from)
    .map((one) => {
      const start = Math.max(from, one.started_at_ms);
      const x = ((start - from) / (to - from)) * width;
      // a click is a short cut to what the history has for everybody
      return s("rect", { onclick: () => { location.hash = `#task/${one.task_id}`; }, class: `bar ${one.error_code === "outcome_unknown" ? "unknown" : one.state}`, x, y: names.indexOf(one.robot_id) * rows + 16, rx: 2, height: rows - 20, width: Math.max(1.5, ((one.ended_at_ms - start) / (to - from)) * width - 0.5) },
        s("title", { text: `${titleOf(live.specs, one.cmd_type)} · ${t(`task.${one.state}`)} · ${clock(one.started_at_ms, { seconds: true })} · ${duration((one.ended_at_ms - one.started_at_ms) / 1000)}` }));
    });
  box.replaceChildren(drawing(width, height + 22, label, ticks(from, to, width, height), bars,
    names.map((name, index) => s("text", { x: 0, y: index * rows + 11, class: "axis", text: name }))));
}

const summary = (tasks) => t("charts.ok", {
  ok: tasks.filter((one) => one.state === "completed").length,
  bad: tasks.filter((one) => one.state === "failed").length,
  off: tasks.filter((one) => one.state === "cancelled").length,
});

function drawThroughput(box, ended, from, to) {
  if (!ended.length) return nothing(box);
  const height = 150;
  const full = widthOf(box);
  const columns = Array.from({ length: COLUMNS }, () => ({ completed: 0, failed: 0, cancelled: 0 }));
  for (const one of ended) columns[Math.min(COLUMNS - 1, Math.floor(((one.ended_at_ms - from) / (to - from)) * COLUMNS))][one.state] += 1;
  const most = Math.max(1, ...columns.map((column) => ENDS.reduce((sum, end) => sum + column[end], 0)));
  const width = full / COLUMNS;
  const bars = columns.flatMap((column, index) => {
    let y = height;
    return ENDS.filter((end) => column[end]).map((end) => {
      const tall = (column[end] / most) * (height - 16);
      y -= tall;
      return s("rect", { class: `bar ${end}`, x: index * width + 1, y, width: width - 2, height: tall, rx: 1.5 },
        s("title", { text: `${clock(from + (index / COLUMNS) * (to - from))}: ${column[end]} ${t(`task.${end}`)}` }));
    });
  });
  return box.replaceChildren(
    drawing(full, height + 22, summary(ended), ticks(from, to, full, height), s("text", { x: 0, y: 11, class: "axis", text: String(most) }), bars),
    h("p", { class: "legend" }, ENDS.map((end) => h("span", { class: `key ${end}`, text: t(`task.${end}`) }))));
}

function drawDurations(box, ended) {
  const byCommand = new Map();
  for (const one of ended) {
    if (one.state !== "completed" || !one.started_at_ms) continue;
    const runs = byCommand.get(one.cmd_type) || [];
    runs.push((one.ended_at_ms - one.started_at_ms) / 1000);
    byCommand.set(one.cmd_type, runs);
  }
  if (!byCommand.size) return nothing(box);
  const rows = [...byCommand].map(([cmdType, runs]) => {
    const sorted = [...runs].sort((a, b) => a - b);
    return { cmdType, runs, median: sorted[Math.floor((sorted.length - 1) / 2)], longest: sorted.at(-1) };
  }).sort((a, b) => b.median - a.median).slice(0, 15);
  const scale = Math.max(...rows.map((row) => row.longest), 0.1);
  return box.replaceChildren(h("table", { class: "plain-table" },
    h("thead", {}, h("tr", {}, ["command", "charts.runs", "charts.median", "charts.longest"].map((word) => h("th", { scope: "col", text: t(word) })), h("th", {}, h("span", { class: "offscreen", text: t("charts.durations") })))),
    h("tbody", {}, rows.map((row) => h("tr", {},
      h("th", { scope: "row", text: titleOf(live.specs, row.cmdType) }), h("td", { class: "number", text: row.runs.length }),
      h("td", { class: "number", text: duration(row.median) }), h("td", { class: "number", text: duration(row.longest) }),
      h("td", { class: "spread" }, strip(row, scale)))))));
}

// each run as a point, newest on top, so that a change over time is seen
function strip(row, scale) {
  const runs = row.runs.slice(0, 60);
  return s("svg", { viewBox: "0 0 200 26", "aria-hidden": "true", class: "strip" },
    s("line", { x1: 0, x2: 200, y1: 13, y2: 13, class: "grid" }),
    runs.map((run, index) => s("circle", { cx: 4 + (192 * run) / scale, cy: 13 + ((index % 5) - 2) * 3.5, r: 2.6, class: "point" })),
    s("line", { x1: 4 + (192 * row.median) / scale, x2: 4 + (192 * row.median) / scale, y1: 1, y2: 25, class: "median" }));
}

function drawFailures(box, ended) {
  const byCode = new Map();
  for (const one of ended) {
    if (one.state !== "failed") continue;
    const key = `${one.error_code}/${one.cmd_type}`;
    const row = byCode.get(key) || { code: one.error_code, cmdType: one.cmd_type, number: 0, last: one };
    row.number += 1;
    byCode.set(key, row);
  }
  if (!byCode.size) return nothing(box);
  const rows = [...byCode.values()].sort((a, b) => b.number - a.number).slice(0, 12);
  return box.replaceChildren(h("table", { class: "plain-table" },
    h("thead", {}, h("tr", {}, ["charts.reason", "command", "charts.runs", "detail.ended"].map((word) => h("th", { scope: "col", text: t(word) })))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.last.message || row.code, h("div", { class: "quiet mono own", text: row.last.message ? row.code : "" })), h("td", { text: titleOf(live.specs, row.cmdType) }),
      h("td", { class: "number", text: row.number }), h("td", {}, h("a", { href: `#task/${row.last.task_id}`, text: clock(row.last.ended_at_ms) })))))));
}

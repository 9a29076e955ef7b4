// What a robot measures: each number in its range, its course, and how old it is where it is old.

import { get, robot as robotPath } from "../base/api.js";
import { h, list, s, setAttribute, setText, show } from "../base/dom.js";
import { clock, language, passing, t } from "../base/i18n.js";
import { live } from "../base/live.js";

const WIDTH = 120; // of a drawing, in its own units
const HEIGHT = 28;
const COURSE = 0.15; // of a trend, from which on it is one
const PLOT_MS = 10000; // between two questions for a plot that is open

const KNOWN = new Set(["battery", "x", "y", "z", "feed", "target_x", "target_y", "target_z", "temperature", "temperature_bed", "temperature_chamber", "force", "pressure", "weight", "speed"]);

/** The name as people say it; one that nobody knows is shown as its driver calls it. */
export function valueName(value) {
  return KNOWN.has(value.name) ? t(`value.${value.name}`) : value.name.replaceAll("_", " ");
}

function number(value) {
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : 2;
  return new Intl.NumberFormat(language() === "zh" ? "zh-CN" : "en", { maximumFractionDigits: digits }).format(value);
}

export const withUnit = (value, unit) => [number(value), unit].filter(Boolean).join(" ");

export function rangeText({ normal, unit }) {
  if (!normal) return "";
  const [least, most] = normal;
  if (least === null) return t("value.range.most", { most: withUnit(most, unit) });
  if (most === null) return t("value.range.least", { least: withUnit(least, unit) });
  return t("value.range", { least: number(least), most: withUnit(most, unit) });
}

/** What the bar reaches over: the range, and everything that was heard. */
function scaleOf(value, numbers) {
  const all = [...(value.normal || []), ...numbers, value.value].filter((one) => one !== null);
  const low = Math.min(...all);
  const high = Math.max(...all);
  const rest = high > low ? (high - low) * 0.05 : Math.max(1, Math.abs(high) * 0.05);
  return { low: low - rest, share: (one) => Math.max(0, Math.min(1, (one - low + rest) / (high - low + 2 * rest))) };
}

/** A line through what is there; where nothing was heard it has a gap. */
function path(points, width, height) {
  const drawn = [];
  let open = false;
  for (const point of points) {
    if (point === null) { open = false; continue; }
    drawn.push(`${open ? "L" : "M"}${(point[0] * width).toFixed(1)} ${((1 - point[1]) * height).toFixed(1)}`);
    // a point alone is seen too
    if (!open) drawn.push("h.01");
    open = true;
  }
  return drawn.join("");
}

/** The values of one robot, for its card. `update(robot)` takes what a look has. */
export function valuesPart() {
  const rows = h("ul", { class: "values" });
  let robotId = "";
  return {
    node: rows,
    update(robot) {
      robotId = robot.robot_id;
      show(rows, robot.values.length > 0);
      list(rows, robot.values, (value) => value.name, () => row(() => robotId));
    },
    tick() { for (const node of rows.children) node.tick?.(); },
  };
}

function row(robotOf) {
  let value = null;
  let heardAt = 0;
  const name = h("span", { class: "value-name" });
  const now = h("strong", { class: "value-now" });
  const word = h("span", { class: "value-word" });
  const band = s("rect", { class: "value-band", y: 9, height: 10 });
  const mark = s("rect", { class: "value-mark", y: 4, width: 3, height: 20 });
  const bar = s("svg", { class: "value-bar", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { class: "value-rail", y: 12, width: WIDTH, height: 4 }), band, mark);
  const line = s("path", { class: "value-line" });
  const trend = s("svg", { class: "value-trend", viewBox: `-1 -2 ${WIDTH + 2} ${HEIGHT + 4}`, preserveAspectRatio: "none", "aria-hidden": "true" }, line);
  const plot = plotPart(robotOf, () => value);
  const open = h("button", { class: "plain value-open", type: "button", "aria-expanded": "false", onclick: () => {
    const wanted = open.getAttribute("aria-expanded") !== "true";
    setAttribute(open, "aria-expanded", String(wanted));
    plot.open(wanted);
  } }, name, now, bar, trend, word);
  const node = h("li", { class: "value" }, open, plot.node);
  node.tick = () => { age(); plot.tick(); };

  // an old number is never shown as what it is now: its age stands in place of a word
  function age() {
    const age_s = value.age_s + (live.now() - heardAt) / 1000;
    if (value.state === "stale") setText(word, t("value.stale", { time: passing(age_s) }));
  }
  return {
    node,
    update(told) {
      value = told;
      heardAt = live.now();
      setText(name, valueName(value));
      setText(now, withUnit(value.value, value.unit));
      setAttribute(node, "data-state", value.state);
      setAttribute(node, "data-alarm", value.alarm ? "1" : null);
      if (value.state === "stale") age();
      else if (value.state === "low" || value.state === "high") setText(word, t(`value.${value.state}`, { range: rangeText(value) }));
      else setText(word, rangeText(value));
      const heard = value.trend.filter((one) => one !== null);
      const scale = scaleOf(value, heard);
      setAttribute(bar, "hidden", value.normal === null);
      if (value.normal) {
        const [least, most] = value.normal;
        const from = least === null ? 0 : scale.share(least);
        const to = most === null ? 1 : scale.share(most);
        setAttribute(band, "x", (from * WIDTH).toFixed(1));
        setAttribute(band, "width", ((to - from) * WIDTH).toFixed(1));
        setAttribute(mark, "x", (scale.share(value.value) * (WIDTH - 3)).toFixed(1));
      }
      // the course of a moment is a dot
      const last = value.trend.length - 1;
      setAttribute(trend, "hidden", heard.length < value.trend.length * COURSE);
      setAttribute(line, "d", path(value.trend.map((one, at) => (one === null ? null : [at / last, scale.share(one)])), WIDTH, HEIGHT));
      setAttribute(open, "aria-label", `${valueName(value)}: ${now.textContent}. ${word.textContent}`);
      plot.update();
    },
  };
}

/** The last hour of one value, asked for while it is open and seen. */
function plotPart(robotOf, valueOf) {
  let wanted = false;
  let asking = false;
  let askedAt = 0;
  const area = s("path", { class: "value-peaks" });
  const line = s("path", { class: "value-line" });
  const band = s("rect", { class: "value-band", x: 0, width: 600 });
  const drawing = s("svg", { viewBox: "0 0 600 160", preserveAspectRatio: "none", role: "img" }, band, area, line);
  const high = h("span", { class: "quiet" });
  const low = h("span", { class: "quiet" });
  const from = h("span", { class: "quiet" });
  const node = h("div", { class: "value-plot", hidden: true }, h("div", { class: "value-scale" }, high, low), drawing,
    h("div", { class: "value-times" }, from, h("span", { class: "quiet", text: t("value.now") })));

  async function ask() {
    if (asking || !wanted || document.hidden || Date.now() - askedAt < PLOT_MS) return;
    asking = true;
    askedAt = Date.now();
    try {
      const { values, at_ms: atMs } = await get(robotPath(robotOf(), "values?points=180"));
      const found = values.find((one) => one.name === valueOf().name);
      if (found) draw(found, atMs);
    } catch {
      // the card says by itself that what it shows is old
    } finally { asking = false; }
  }

  function draw(value, atMs) {
    const hour = 3600000;
    const scale = scaleOf(value, value.points.flatMap((point) => [point.least, point.most]));
    const x = (ms) => Math.max(0, Math.min(1, (ms - atMs + hour) / hour));
    const every = hour / 180;
    const gaps = (points, of) => points.flatMap((point, at) => {
      const gap = at && point.at_ms - points[at - 1].at_ms > 1.5 * every ? [null] : [];
      return [...gap, [x(point.at_ms), scale.share(of(point))]];
    });
    setAttribute(line, "d", path(gaps(value.points, (point) => point.last), 600, 160));
    const peaks = value.points.map((point) => {
      const at = (x(point.at_ms) * 600).toFixed(1);
      return `M${at} ${((1 - scale.share(point.least)) * 160).toFixed(1)}V${((1 - scale.share(point.most)) * 160).toFixed(1)}`;
    });
    setAttribute(area, "d", peaks.join(""));
    setAttribute(band, "hidden", value.normal === null);
    if (value.normal) {
      const [least, most] = value.normal;
      const top = most === null ? 0 : (1 - scale.share(most)) * 160;
      const bottom = least === null ? 160 : (1 - scale.share(least)) * 160;
      setAttribute(band, "y", top.toFixed(1));
      setAttribute(band, "height", Math.max(0, bottom - top).toFixed(1));
    }
    const heard = value.points.flatMap((point) => [point.least, point.most]);
    setText(high, heard.length ? withUnit(Math.max(...heard), value.unit) : "");
    setText(low, heard.length ? withUnit(Math.min(...heard), value.unit) : "");
    setText(from, clock(atMs - hour));
    setAttribute(drawing, "aria-label", t("value.plot", { name: valueName(value) }));
  }
  return {
    node,
    open(on) { wanted = on; show(node, on); askedAt = 0; ask(); },
    update() { ask(); },
    tick() { ask(); },
  };
}

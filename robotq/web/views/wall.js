// What hangs on the wall: read from three metres, touched by nobody but for the stop. Grey is
// normal; colour, a sign and a word are for what is not.

import { post } from "../base/api.js";
import { h, icon, list, setAttribute, setText, show } from "../base/dom.js";
import { clock, count, passing, stepName, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { shortReason } from "../parts/reasons.js";
import { faceOf } from "../parts/state.js";
import { signOf, waitedFor, wordsOf } from "../parts/alarms.js";

const MOST = 20; // tiles; of more, those that are out of the ordinary come first
const LEAST = 7; // steps of leaving out, see wall.css
const SOON_MS = 12 * 3600 * 1000; // in which a time of day is no other day's
const LOW_REM = 15.5; // from which on a tile is high, see wall.css
const NEAR = 1.08; // times a size that is about the same
const SETTLED_MS = 80;
const RENEW_MS = 12 * 3600 * 1000;

export function wallView() {
  const needs = h("ol", { class: "wall-needs" });
  const more = h("p", { class: "wall-more" });
  const tiles = h("div", { class: "tiles" });
  const rest = h("p", { class: "wall-rest quiet" });
  const node = h("div", { class: "wall" }, h("h1", { class: "offscreen", text: t("view.wall") }),
    h("section", { class: "wall-head", "aria-label": t("attention") }, needs, more), tiles, rest);
  const parts = new Set();
  let rows = [];
  let above = "";

  /** When tiles and their letters are as large as they will be: letters follow their tile some frames later. */
  let fitting = 0;
  function fit() {
    clearTimeout(fitting);
    fitting = setTimeout(() => { for (const part of parts) part.fit(); }, SETTLED_MS);
  }
  function layOut() {
    const { columns, lines } = grid(tiles.childElementCount, tiles.clientWidth, tiles.clientHeight);
    tiles.style.setProperty("--columns", columns);
    tiles.style.setProperty("--lines", lines);
    fit();
  }
  new ResizeObserver(layOut).observe(tiles);
  setInterval(() => { if (node.isConnected) stay(); }, RENEW_MS);

  return {
    node,
    open: stay,
    update(look) {
      const faces = look.robots.map((robot) => ({ ...robot, face: faceOf(robot) }));
      // each has its place for good, unless there are too many
      const shown = faces.length <= MOST ? faces : [...faces].sort((one, other) => rank(one) - rank(other)).slice(0, MOST);
      rows = look.alarms;
      const most = shown.length <= 4 ? 3 : shown.length <= 12 ? 2 : 1;
      above = saidAbove(faces, rows.slice(0, most).map((alarm) => wordsOf(alarm, look).reason));
      list(tiles, shown, (robot) => robot.robot_id, (robot) => { const part = tile(robot, () => above); parts.add(part); return part; });
      show(rest, faces.length > shown.length);
      setText(rest, t("wall.rest", { count: count(faces.length - shown.length) }));
      list(needs, rows.slice(0, most), (alarm) => alarm.id, needRow);
      show(more, rows.length > most);
      setText(more, t("wall.more", { count: count(rows.length - most) }));
      layOut();
    },
    tick() {
      for (const part of parts) if (part.node.isConnected) part.tick(); else parts.delete(part);
      fit();
      if (live.look) list(needs, rows.slice(0, needs.childElementCount), (alarm) => alarm.id, needRow);
    },
  };
}

const rank = (robot) => ["bad", "warn", "normal"].indexOf(robot.face.tone);

/** How many columns give the largest letters. Where two do about as well, tiles stand beside each
 * other and none is missing: they must not jump as soon as a line stands above them. */
export function grid(number, width, height, low = LOW_REM * parseFloat(getComputedStyle(document.documentElement).fontSize)) {
  let best = { columns: 1, lines: Math.max(1, number), size: 0, empty: 0 };
  for (let columns = 1; columns <= number; columns += 1) {
    const lines = Math.ceil(number / columns);
    const [high, wide] = height / lines < low ? [0.38, 0.2] : [0.275, 0.166];
    const size = Math.min(high * (height / lines), wide * (width / columns));
    const empty = columns * lines - number;
    if (size > NEAR * best.size || (size * NEAR > best.size && empty <= best.empty)) best = { columns, lines, size, empty };
  }
  return best;
}

/** A key that can only read stays in this browser for as long as the wall hangs there. */
async function stay() {
  const you = live.look?.you;
  if (!you?.keys || you.scopes.join() !== "read") return;
  // where it does not work the bar says so, and it is tried again
  await post("dashboard/session").catch(() => null);
}

function needRow(first) {
  const title = h("b");
  const reason = h("span", { class: "wall-reason" });
  const since = h("span", { class: "wall-since" });
  const node = h("li", { "data-priority": first.priority }, icon(signOf(first)), title, reason, since);
  return { node, update(alarm) {
    const words = wordsOf(alarm, live.look);
    setText(title, words.short ?? words.title);
    setText(reason, words.reason);
    setText(since, t("wall.for", { time: waitedFor(alarm) }));
  } };
}

/** The one reason that holds all robots, where it stands above the tiles; empty for none. */
function saidAbove(robots, told) {
  const reasons = new Set(robots.map((robot) => (robot.running ? "" : whyOf(robot))));
  const [one] = reasons;
  return robots.length > 1 && reasons.size === 1 && told.includes(one) ? one : "";
}

/** `above`: what is not to be said again. */
function tile(first, above) {
  let robot = first;
  const name = h("h2", { text: first.robot_id });
  const place = h("span", { class: "tile-place" });
  const sign = h("span", { class: "tile-sign" });
  const word = h("span", { class: "tile-word" });
  const what = h("p", { class: "tile-what" });
  const step = h("p", { class: "tile-step" });
  const bar = h("div", { class: "fill" });
  const meter = h("div", { class: "meter", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, bar);
  const times = h("p", { class: "tile-times" });
  const next = h("span", { class: "tile-next" });
  const waits = h("span", { class: "tile-waits" });
  const then = h("p", { class: "tile-then" }, next, waits);
  const inner = h("div", { class: "tile-in" }, h("div", { class: "tile-head" }, sign, name, place),
    h("p", { class: "tile-state" }, word), what, step, meter, times, then);
  const node = h("section", { class: "tile", "aria-label": first.robot_id }, inner);

  function tick() {
    const running = robot.running;
    const now = live.now();
    const left = running?.eta_ms ? (running.eta_ms - now) / 1000 : null;
    const elapsed = running ? (now - running.started_at_ms) / 1000 : 0;
    let share = running?.progress ?? null;
    if (running && share === null && left !== null && elapsed + left > 0) share = Math.min(0.99, elapsed / (elapsed + Math.max(0, left)));
    // nothing old looks as if it were so now
    const old = live.stale;
    show(meter, running !== null && share !== null && !old);
    show(step, !old);
    show(then, !old && Boolean(next.textContent || waits.textContent));
    bar.style.inlineSize = `${((share ?? 0) * 100).toFixed(1)}%`;
    setAttribute(meter, "aria-valuenow", share === null ? null : Math.round(share * 100));
    setText(times, running && !old ? timesOf(robot, left, elapsed) : "");
    setAttribute(node, "data-tone", old ? "old" : robot.face.tone);
    setText(word, old ? t("face.old") : robot.face.word);
    setText(what, whatOf(robot, old, above()));
  }

  let fitted = "";
  /** Where there is no room for all of it, what counts least is left out: never half a line. */
  function fit() {
    const key = [inner.clientWidth, inner.clientHeight, getComputedStyle(word).fontSize, ...[...inner.children].map((one) => (one.hidden ? "" : one.textContent))].join("\n");
    if (key === fitted || !inner.clientHeight) return;
    fitted = key;
    inner.className = "tile-in";
    for (let less = 1; less <= LEAST && runsOver(inner); less += 1) inner.classList.add(`less-${less}`);
  }
  return {
    node,
    tick,
    fit,
    update(now) {
      robot = now;
      setAttribute(node, "data-state", robot.face.state);
      setText(place, robot.place ?? "");
      const symbol = robot.face.tone === "normal" ? null : robot.face.symbol;
      if (sign.dataset.symbol !== String(symbol)) {
        sign.dataset.symbol = String(symbol);
        sign.replaceChildren(...(symbol ? [icon(symbol)] : []));
      }
      const current = robot.running?.steps.findLast((part) => part.state === "running");
      // what is asked says it already
      const asked = robot.running?.waiting_for;
      setText(step, asked ? "" : current ? stepName(current.name) : lastOf(robot));
      setAttribute(meter, "aria-label", robot.running ? titleOf(live.specs, robot.running.cmd_type) : null);
      setText(next, robot.starts_next ? t("wall.then", { title: shortOf(robot.starts_next) }) : "");
      setText(waits, robot.waiting ? t("wall.waiting", { count: count(robot.waiting) }) : "");
      tick();
    },
  };
}

/** Whether the last of what is shown goes into the edge, or over it. */
function runsOver(node) {
  const last = [...node.children].reverse().find((one) => one.getClientRects().length);
  const edge = node.getBoundingClientRect().bottom - parseFloat(getComputedStyle(node).paddingBottom);
  return last !== undefined && last.getBoundingClientRect().bottom > edge + 1;
}

function whatOf(robot, old, above) {
  if (old) return t("wall.was", { word: robot.face.word, clock: clock(live.answeredAt) });
  if (robot.running?.waiting_for) return robot.running.waiting_for.prompt.slice(0, 120);
  if (robot.running) return shortOf(robot.running);
  const why = whyOf(robot);
  return why === above ? "" : why.slice(0, 120);
}

const whyOf = ({ holds, why }) => (holds.length ? shortReason(holds[0]) : why[0]?.reason ?? "");

/** What it is and what about; a name that somebody gave is too small to be read from there. */
const shortOf = (line) => [titleOf(live.specs, line.cmd_type), line.about].filter(Boolean).join("\u00a0· ");

/** What an idle robot did last, as long as that is among what has ended lately. */
function lastOf(robot) {
  if (robot.face.state !== "idle") return "";
  const last = live.look?.ended.find((line) => line.robot_id === robot.robot_id && line.state === "completed");
  return last ? t("wall.last", { title: shortOf(last), clock: clock(last.ended_at_ms) }) : "";
}

function timesOf(robot, left, elapsed) {
  const { running } = robot;
  const held = robot.holds.find((hold) => hold.code === "motion_held");
  if (held) return t("wall.held", { time: passing((live.now() - held.by[0].at_ms) / 1000) });
  if (running.waiting_for) {
    const { deadline_ms: at } = running.waiting_for;
    return t("wall.until", { clock: at - live.now() < SOON_MS ? clock(at).slice(-5) : clock(at) });
  }
  if (left === null || running.remaining_s === 0) return t("now.for", { time: passing(elapsed) });
  return [t("wall.done", { clock: clock(running.eta_ms) }), left < 1 ? t("now.soon") : t("now.left", { time: passing(left) })].join(" · ");
}


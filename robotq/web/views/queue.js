// The waiting tasks of a robot: a few of them in its lane, and all of them in a window that
// asks only for what is seen.

import { get, post, Refused, task as taskPath, withQuery } from "../base/api.js";
import { h, icon, list, setAttribute, setText, show } from "../base/dom.js";
import { clock, count, duration, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { cancelTask } from "../parts/decide.js";
import { selectBar, Selection } from "../parts/select.js";
import { button, tell, tellFailure } from "../base/ui.js";

const ROW_REM = 3.5;
const FEW = 5; // rows that nobody has to look through; a box that is ticked shows what it is for
const MARGIN = 10;
const REST_MS = 1000;
const KINDS_MS = 5000;
const IN_CARD = 6; // rows of a card at once

const rowPx = () => Math.round(ROW_REM * parseFloat(getComputedStyle(document.documentElement).fontSize));

/** What it is about, and the name that somebody gave it; an id that nobody gave says nothing. */
export const ownOf = (line) => [line.about, line.cmd_id].filter(Boolean).join(" · ");

export function waitingRow(first, { before = () => null, after = () => null, pick = null } = {}) {
  let line = first;
  const title = h("a", { class: "title", href: `#task/${first.task_id}`, text: titleOf(live.specs, first.cmd_type) });
  const own = h("span", { class: "quiet own", text: ownOf(first) });
  const position = h("span", { class: "position" });
  const when = h("span", { class: "when quiet" });
  const wait = h("span", { class: "wait" });
  const may = live.may("submit");
  const name = (key) => `${t(key)}: ${titleOf(live.specs, first.cmd_type)} ${first.cmd_id || first.task_id}`;
  const head = button("", () => reorder(line, { to: "head" }), { kind: "plain small", symbol: "top", name: name("move.head"), title: t("move.head"), allowed: live.may("control") });
  const up = button("", () => reorder(line, { before: before(line) }), { kind: "plain small", symbol: "up", name: name("move.up"), title: t("move.up"), allowed: live.may("control") });
  const down = button("", () => reorder(line, { after: after(line) }), { kind: "plain small", symbol: "down", name: name("move.down"), title: t("move.down"), allowed: live.may("control") });
  const cancel = button("", () => cancelTask(line), { kind: "plain small", symbol: "cross", name: name("task.cancel"), title: t("task.cancel"), allowed: may });
  const picked = pick && h("input", { type: "checkbox", class: "pick", "aria-label": `${name("select")}`, disabled: !may,
    onclick: (event) => pick.click(line, picked.checked, event.shiftKey), onkeydown: (event) => pick.key(line, event) });
  const node = h("li", { class: "row" }, picked, position,
    h("div", { class: "row-words" }, h("div", { class: "what" }, title, own), h("div", { class: "row-more" }, when, wait)),
    h("div", { class: "row-buttons" }, head, up, down, cancel));
  if (live.may("control")) draggable(node, () => line);
  return {
    node,
    update(now) {
      line = now;
      if (picked) picked.checked = pick.has(line);
      setText(position, line.position);
      show(head, line.position > 1);
      show(up, before(line) !== null);
      show(down, after(line) !== null);
      // nobody knows when a queue goes on that is held, or when somebody will approve
      const held = live.look.robots.some((robot) => robot.robot_id === line.robot_id && robot.holds.length > 0)
        || line.waits?.some((wait) => wait.code === "approval");
      const starts = held || line.starts_in_s === null || line.starts_in_s === undefined ? null : live.now() + line.starts_in_s * 1000;
      setText(when, held ? "" : [starts && t("waiting.starts", { clock: clock(starts) }), line.eta_ms && t("waiting.ready", { clock: clock(line.eta_ms) })].filter(Boolean).join(" · "));
      show(when, when.textContent !== "");
      setText(wait, line.waits?.length ? line.waits.map((part) => part.reason).join(" · ") : "");
    },
  };
}

const KIND = "text/x-robotq-task";
let dragged = null;

/** Rows of one robot are put before or behind each other with the mouse; buttons do the same. */
function draggable(node, lineOf) {
  node.draggable = true;
  node.title = t("drag");
  const half = (event) => { const box = node.getBoundingClientRect(); return event.clientY < box.top + box.height / 2 ? "before" : "after"; };
  const fits = (event) => dragged && event.dataTransfer.types.includes(KIND) && dragged.robot_id === lineOf().robot_id && dragged.task_id !== lineOf().task_id;
  node.addEventListener("dragstart", (event) => {
    dragged = lineOf();
    event.dataTransfer.setData(KIND, dragged.task_id);
    event.dataTransfer.effectAllowed = "move";
  });
  node.addEventListener("dragend", () => { dragged = null; });
  node.addEventListener("dragover", (event) => {
    if (!fits(event)) return;
    event.preventDefault();
    node.dataset.drop = half(event);
  });
  node.addEventListener("dragleave", () => { delete node.dataset.drop; });
  node.addEventListener("drop", (event) => {
    delete node.dataset.drop;
    if (!fits(event)) return;
    event.preventDefault();
    reorder(dragged, { [half(event)]: lineOf().task_id }).catch(tellFailure);
  });
}

async function reorder(line, where) {
  try {
    await post("queue/reorder", { task_id: line.task_id, ...where }, { headers: { "If-Match": `"${live.queueRevision}"` } });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 412) throw error;
    tell(t("move.stale"), { bad: true });
  }
  live.refresh();
}

/** All waiting tasks of one robot; ten thousand cost what fits on the screen. */
export function queueView() {
  const heading = h("h1");
  const part = queuePart({ whole: true, onTotal: (robot, total) => setText(heading, `${t("queue.of", { robot })} (${count(total)})`) });
  const node = h("div", {}, h("div", { class: "view-head" }, h("a", { class: "button", href: "#now", text: t("queue.back") }), heading), part.node);
  return {
    node,
    find: part.find,
    open(name) { setText(heading, t("queue.of", { robot: name })); part.open(name); },
    update() { part.soon(); },
  };
}

let numbered = 0;

/** The list itself. In a card it shows what one look brings as long as that is all. */
export function queuePart({ whole = false, onTotal = () => {} } = {}) {
  let robot = null;
  let looked = null;
  let total = 0;
  let shown = new Map();
  let asking = false;
  let again = false;
  let askedAt = 0;
  let timer = null;
  let dueAt = 0;
  let kindsAt = 0;
  let offset = 0;
  const rows = h("ol", { class: "rows all" });
  const space = h("div", { class: "space" }, rows);
  const scroll = h("div", { class: "scroll card", tabindex: 0, role: "region" }, space);
  const none = h("p", { class: "quiet", text: t("waiting.none"), hidden: true });
  const selection = new Selection(() => paint());
  const bar = selectBar(selection, { button, id: whole ? "" : `-${++numbered}`, onKind: (cmdType) => choose({ cmd_type: cmdType }), onText: (text) => choose({ text }), nameOf: (line) => [titleOf(live.specs, line.cmd_type), ownOf(line)].join(" · ") });
  const node = h("div", { class: whole ? "queue whole" : "queue" }, bar.node, none, scroll);
  scroll.addEventListener("scroll", () => soon(80));

  const neighbour = (line, by) => [...shown.values()].find((other) => other.position === line.position + by)?.task_id ?? null;
  const placeOf = (line) => offset + [...shown.keys()].indexOf(line.task_id);
  const pick = {
    has: (line) => selection.has(line),
    click(line, on, range) {
      const place = placeOf(line);
      if (range) selection.setTo(line, on, place).catch(tellFailure); else selection.set(line, on, place);
    },
    /** Up and down go from row to row, and with shift choose on the way. */
    key(line, event) {
      if ((event.ctrlKey || event.metaKey) && event.key === "a") { event.preventDefault(); selection.chooseAll(); return; }
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const other = [...shown.values()][placeOf(line) - offset + by];
      if (!other) return;
      if (event.shiftKey) {
        selection.set(line, true, placeOf(line));
        selection.set(other, true, placeOf(other));
      }
      const box = rows.children[placeOf(other) - offset]?.querySelector(".pick");
      box?.focus();
      box?.closest("li").scrollIntoView({ block: "nearest" });
    },
  };

  function choose(change) {
    const { cmd_type: cmdType, text } = { ...selection.filter, ...change };
    selection.of({ robot_id: robot, ...(cmdType && { cmd_type: cmdType }), ...(text && { text }) });
    scroll.scrollTop = 0;
    if (!show1()) fetchWindow();
  }

  /** Where one look has brought all there is, nothing more is asked for. */
  function show1() {
    if (whole || !looked || looked.waiting > looked.next.length || selection.filter.text || selection.filter.cmd_type) return false;
    const kinds = {};
    for (const line of looked.next) kinds[line.cmd_type] = (kinds[line.cmd_type] ?? 0) + 1;
    render({ waiting: looked.waiting, offset: 0, tasks: looked.next, queue_revision: live.look.queue_revision, kinds });
    return true;
  }

  function paint() {
    bar.update(total);
    if (!whole && selection.size(total)) show(bar.node, true);
    for (const [index, line] of [...shown.values()].entries()) {
      const box = rows.children[index]?.querySelector(".pick");
      if (box) box.checked = selection.has(line);
    }
  }

  /** Who scrolls or looks for something does not wait for the end of a rest. */
  function soon(ms = Math.max(0, askedAt + REST_MS - Date.now())) {
    const at = Date.now() + ms;
    if (timer && dueAt <= at) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => { timer = null; fetchWindow(); }, ms);
  }

  async function fetchWindow() {
    if (asking) { again = true; return; }
    if (robot === null || !node.isConnected) return;
    asking = true;
    again = false;
    askedAt = Date.now();
    const from = Math.max(0, Math.floor(scroll.scrollTop / rowPx()) - MARGIN);
    const limit = Math.min(200, Math.ceil(scroll.clientHeight / rowPx()) + 2 * MARGIN);
    const filter = selection.filter;
    const kinds = askedAt - kindsAt > KINDS_MS || null;
    // where the daemon does not answer, the bar says so, and the next look asks again
    const found = await get(withQuery("dashboard/queue", { ...filter, offset: from, limit, kinds })).catch(() => null);
    asking = false;
    if (found !== null && filter === selection.filter) render(found);
    else if (found !== null) again = true;
    if (again) soon(80);
  }
  function render(found) {
    total = found.waiting;
    offset = found.offset;
    live.queueRevision = found.queue_revision;
    if (found.kinds) { kindsAt = askedAt; bar.kinds(found.kinds); }
    shown = new Map(found.tasks.map((line) => [line.task_id, line]));
    onTotal(robot, total);
    setAttribute(scroll, "aria-label", t("queue.of", { robot }));
    const filtered = Boolean(selection.filter.text || selection.filter.cmd_type);
    show(none, total === 0 && (whole || filtered));
    show(scroll, total > 0);
    show(bar.node, whole || filtered || total > FEW || selection.size(total) > 0);
    space.style.blockSize = `${total * rowPx()}px`;
    if (!whole) scroll.style.blockSize = `${Math.min(total, IN_CARD) * rowPx()}px`;
    rows.style.transform = `translateY(${found.offset * rowPx()}px)`;
    rows.setAttribute("start", found.offset + 1);
    list(rows, found.tasks, (line) => line.task_id, (line) => waitingRow(line, { before: (one) => neighbour(one, -1), after: (one) => neighbour(one, 1), pick }));
    bar.update(total);
  }

  function begin(name) {
    robot = name;
    kindsAt = 0;
    bar.kinds({});
    bar.reset();
    selection.of({ robot_id: name });
  }

  return {
    node,
    soon,
    find: bar.find,
    open(name) {
      begin(name);
      choose({});
    },
    /** In a card: `now` is the robot as one look brings it. */
    update(now) {
      looked = now;
      if (robot !== now.robot_id) begin(now.robot_id);
      show(node, now.waiting > 0);
      if (!show1()) soon();
    },
  };
}

/** The latest ended tasks. */
export function endedPart() {
  const rows = h("ol", { class: "rows ended" });
  const none = h("p", { class: "quiet none", text: t("ended.none"), hidden: true });
  const node = h("section", { class: "card" }, h("h3", {}, h("span", { text: t("ended") }), h("a", { class: "more", href: "#history", text: t("view.history") })), none, rows);
  return {
    node,
    update(look) {
      show(none, look.ended.length === 0);
      list(rows, look.ended, (line) => `${line.task_id}${line.unknown}`, (line) => endedRow(line));
    },
  };
}

function endedRow(line) {
  const state = line.unknown ? "unknown" : line.state;
  const took = line.started_at_ms ? (line.ended_at_ms - line.started_at_ms) / 1000 : null;
  return { node: h("li", { class: `row ${state}` },
    h("span", { class: `mark ${state}` }, icon(state === "completed" ? "check" : state === "unknown" ? "warn" : "cross")),
    h("div", { class: "row-words" },
      h("div", { class: "what" }, h("a", { class: "title", href: `#task/${line.task_id}`, text: titleOf(live.specs, line.cmd_type) }), h("span", { class: "quiet own", text: ownOf(line) })),
      h("div", { class: "row-more quiet" }, h("span", { text: `${clock(line.ended_at_ms)} · ${line.robot_id}` }), took !== null && h("span", { text: duration(took) }), state !== "completed" && h("span", { class: `word ${state}`, text: line.message && state !== "cancelled" ? line.message : t(`task.${state}`) })))) };
}


// Which waiting tasks of one queue are chosen, and calling them off with one request.

import { get, post, Refused, withQuery } from "../base/api.js";
import { h, list, show } from "../base/dom.js";
import { count, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { question, tell } from "../base/ui.js";
import { undoable } from "./undo.js";

const PAGE = 200;
const NAMED = 8;

/** What the list shows: `{ robot_id, cmd_type }`, the second one empty for all kinds. */
const windowOf = (filter, offset, limit, more = {}) => get(withQuery("dashboard/queue", { ...filter, offset, limit, ...more }));

/** Read the lines from `first` on, as many as `most`. */
async function linesOf(filter, first = 0, most = Infinity) {
  const lines = [];
  for (;;) {
    const found = await windowOf(filter, first + lines.length, Math.min(PAGE, most - lines.length));
    lines.push(...found.tasks);
    if (!found.tasks.length || lines.length >= most || first + lines.length >= found.waiting) return lines;
  }
}

/**
 * Single tasks, or all of a filter but some. All of a filter is no list of ten thousand ids, and
 * has those that come in meanwhile until it is asked how many they are.
 */
export class Selection {
  constructor(onChange) {
    this.onChange = onChange;
    this.filter = {};
    this.empty();
  }

  empty() {
    this.all = false;
    this.lines = new Map();
    this.except = new Set();
    this.anchor = null;
  }

  clear() {
    this.empty();
    this.onChange();
  }

  /** Another list: nothing of the old one stays chosen that nobody sees. */
  of(filter) {
    this.filter = filter;
    this.clear();
  }

  has(line) { return this.all ? !this.except.has(line.task_id) : this.lines.has(line.task_id); }

  size(waiting) { return this.all ? Math.max(0, waiting - this.except.size) : this.lines.size; }

  chooseAll() {
    this.empty();
    this.all = true;
    this.onChange();
  }

  /** Choose one, or not; `place` is where it stands in the list. */
  set(line, on, place) {
    if (this.all) {
      if (on) this.except.delete(line.task_id); else this.except.add(line.task_id);
    } else if (on) this.lines.set(line.task_id, line);
    else this.lines.delete(line.task_id);
    this.anchor = place;
    this.onChange();
  }

  /** The same for all from the one that was chosen last to this one, also where they are not on the screen. */
  async setTo(line, on, place) {
    if (this.anchor === null || this.anchor === place) { this.set(line, on, place); return; }
    const first = Math.min(this.anchor, place);
    const between = await linesOf(this.filter, first, Math.abs(this.anchor - place) + 1);
    for (const one of between) this.set(one, on, place);
    this.set(line, on, place);
  }

  /** What the request has to say, and lines that tell which these are. */
  async meant() {
    // what is found by its words, the daemon knows by its ids
    if (this.all && !this.except.size && !this.filter.text) return { body: { ...this.filter }, lines: await linesOf(this.filter, 0, NAMED) };
    const lines = this.all ? (await linesOf(this.filter)).filter((line) => this.has(line)) : [...this.lines.values()];
    return { body: { robot_id: this.filter.robot_id, task_ids: lines.map((line) => line.task_id) }, lines };
  }
}

/** Ask how many these are, say which, and call exactly these off. */
async function cancelChosen(selection, nameOf) {
  const robot = selection.filter.robot_id;
  const { body, lines } = await selection.meant();
  const found = await post("tasks/cancel", body);
  if (!found.matching) { tell(t("select.gone"), { bad: true }); selection.clear(); return; }
  const rows = h("ul", { class: "starts" });
  list(rows, lines.slice(0, NAMED), (line) => line.task_id, (line) => ({ node: h("li", { text: nameOf(line) }) }));
  const more = found.matching - rows.childElementCount;
  if (more > 0) rows.append(h("li", { class: "quiet", text: t("select.more", { count: count(more) }) }));
  const yes = await question({
    title: t("select.ask", { count: count(found.matching), robot }), text: t("select.text"), fields: [rows],
    buttons: [{ value: "", text: t("select.keep"), focus: true }, { value: "yes", text: t("select.yes", { count: count(found.matching) }), kind: "strong" }],
    over: (look) => (look.robots.some((one) => one.robot_id === robot && one.waiting === 0) ? t("over.ended") : null),
  });
  if (!yes) return;
  try {
    const answer = await post("tasks/cancel", { ...body, count: found.matching, up_to: found.up_to }, { timeoutMs: 120000 });
    undoable(answer.message, answer.task_ids ?? []);
    selection.clear();
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "count_differs") throw error;
    tell(t("move.stale"), { bad: true });
  }
  live.refresh();
}

/** The bar over a list: all of it, only one kind, how many are chosen, call them off. */
export function selectBar(selection, { button, nameOf, onKind, onText, id = "" }) {
  const may = live.may("submit");
  const find = h("input", { type: "search", class: "find", "aria-label": t("queue.find"), placeholder: t("queue.find"), autocomplete: "off", spellcheck: "false", oninput: () => onText(find.value.trim()) });
  const all = h("input", { type: "checkbox", id: `select-all${id}`, disabled: !may, onclick: () => (all.checked ? selection.chooseAll() : selection.clear()) });
  const kind = h("select", { id: `select-kind${id}`, onchange: () => onKind(kind.value) });
  const chosen = h("span", { class: "quiet", role: "status" });
  const cancel = button(t("select.cancel"), () => cancelChosen(selection, nameOf), { symbol: "cross", kind: "strong", allowed: may });
  const node = h("div", { class: "select-bar", role: "group", "aria-label": t("select.bar") },
    find, h("label", { class: "inline" }, all, h("span", { text: t("select.all") })),
    h("label", { class: "inline" }, h("span", { text: t("select.kind") }), kind), chosen, cancel);
  let known = "";
  return {
    node,
    find,
    reset() { find.value = ""; },
    update(waiting) {
      const size = selection.size(waiting);
      all.checked = waiting > 0 && size === waiting;
      all.indeterminate = size > 0 && size < waiting;
      chosen.textContent = size ? t("select.chosen", { count: count(size) }) : "";
      cancel.disabled = !may || !size;
      show(cancel, size > 0);
    },
    /** How many of each kind wait; the chosen kind stays, also when none is left. */
    kinds(counts) {
      const rows = { ...(selection.filter.cmd_type && { [selection.filter.cmd_type]: 0 }), ...counts };
      const now = JSON.stringify(rows);
      if (now === known) return;
      known = now;
      kind.replaceChildren(h("option", { value: "", text: t("select.kinds") }),
        ...Object.entries(rows).map(([name, number]) => h("option", { value: name, text: `${titleOf(live.specs, name)} (${count(number)})` })));
      kind.value = selection.filter.cmd_type || "";
    },
  };
}

// Past tasks, page by page, with filters. One page is held at a time, however long the past is.

import { get, withQuery } from "../base/api.js";
import { h, icon, list, setAttribute, setText, show } from "../base/dom.js";
import { clock, count, duration, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { act, reasonOf } from "../base/ui.js";

const PAGE = 50;
const ROWS = 10000; // of an export
const STATES = ["completed", "failed", "cancelled", "running", "pending"];
const UNKNOWN = "outcome_unknown";

export function historyView() {
  let cursors = [null];
  let newest = 0;
  let commands = "";
  const choice = (id, word, options) => {
    const input = h("select", { id, name: id }, h("option", { value: "", text: t("all") }), options);
    return [input, h("div", { class: "field" }, h("label", { for: id, text: t(word) }), input)];
  };
  const [state, stateField] = choice("history-state", "state", [...STATES.map((one) => h("option", { value: one, text: t(`task.${one}`) })), h("option", { value: UNKNOWN, text: t("task.unknown") })]);
  const [robot, robotField] = choice("history-robot", "robot", []);
  const [command, commandField] = choice("history-command", "command", []);
  const text = (id, word, type) => {
    const input = h("input", { id, type, autocomplete: "off", step: type === "datetime-local" ? 1 : null });
    return [input, h("div", { class: "field" }, h("label", { for: id, text: t(word) }), input)];
  };
  const [own, ownField] = text("history-own", "history.name", "search");
  const [from, fromField] = text("history-from", "history.from", "datetime-local");
  const [to, toField] = text("history-to", "history.to", "datetime-local");
  const rows = h("tbody", {});
  const none = h("p", { class: "quiet", text: t("history.none"), hidden: true });
  const fault = h("p", { class: "fault", role: "alert" });
  const older = h("button", { type: "button", text: t("history.older"), onclick: () => act(older, () => load(cursors[cursors.length - 1])) });
  const first = h("button", { type: "button", onclick: () => act(first, restart) });
  const head = ["command", "robot", "state", "history.submitted", "history.took"].map((word) => h("th", { scope: "col", text: t(word) }));
  const filters = h("form", { class: "filters card" }, stateField, robotField, commandField, ownField, fromField, toField);

  // on a phone the tasks are what is looked for; the chips do for most
  const narrow = matchMedia("(max-width: 40rem)");
  const filterBox = h("details", { class: "filter-box", open: !narrow.matches }, h("summary", { text: t("history.filters") }), filters);

  const chip = (word, pressed, toggle) => {
    const node = h("button", { type: "button", class: "chip", text: t(word), onclick: () => { toggle(!pressed()); restart(); } });
    return { node, update: () => setAttribute(node, "aria-pressed", String(pressed())) };
  };
  const isState = (value) => () => state.value === value;
  const setState = (value) => (on) => { state.value = on ? value : ""; };
  const chips = [
    chip("history.today", () => from.value === midnight() && !to.value, (on) => { from.value = on ? midnight() : ""; to.value = ""; }),
    chip("history.failed", isState("failed"), setState("failed")),
    chip("history.unknown", isState(UNKNOWN), setState(UNKNOWN)),
  ];
  const all = h("button", { type: "button", class: "chip", text: t("history.clear"), onclick: () => { filters.reset(); restart(); } });
  const csv = h("a", { class: "button small", download: "" }, icon("copy"), h("span", { text: t("history.csv") }));
  csv.title = t("history.csv.title", { count: count(ROWS) });
  const node = h("div", { class: "history" },
    h("div", { class: "view-head" }, h("h1", { text: t("history.title") }), h("div", { class: "chips", role: "group", "aria-label": t("history.chips") }, chips.map((one) => one.node), all), csv),
    filterBox, fault, none,
    h("div", { class: "card table as-cards", tabindex: 0, role: "region", "aria-label": t("history.title") }, h("table", {}, h("thead", {}, h("tr", {}, head)), rows)),
    h("div", { class: "buttons" }, first, older));

  const time = (input) => (input.value ? String(new Date(input.value).getTime()) : "");
  const restart = () => { cursors = [null]; return load(null); };
  const asked = () => ({
    state: state.value === UNKNOWN ? "" : state.value, error_code: state.value === UNKNOWN ? UNKNOWN : "",
    robot_id: robot.value, cmd_type: command.value, cmd_id: own.value.trim(), from: time(from), to: time(to),
  });
  let loading = 0;

  async function load(cursor) {
    const wanted = asked();
    const turn = (loading += 1);
    csv.href = withQuery("tasks.csv", { ...wanted, limit: ROWS });
    for (const one of chips) one.update();
    show(all, Object.values(wanted).some(Boolean));
    const page = await get(withQuery("dashboard/history", { ...wanted, limit: PAGE, cursor })).catch((error) => { if (turn === loading) setText(fault, reasonOf(error)); return null; });
    // another filter was chosen meanwhile
    if (page === null || turn !== loading) return;
    setText(fault, "");
    newest = total();
    list(rows, page.tasks, (line) => `${line.task_id}/${line.revision}`, row);
    show(none, page.tasks.length === 0);
    show(rows.closest(".table"), page.tasks.length > 0);
    if (page.next_cursor) cursors.push(page.next_cursor);
    show(older, page.next_cursor !== null);
    first.dataset.page = cursor === null ? "1" : "";
    label();
  }

  function label() {
    const now = total();
    setText(first, t(now !== newest ? "history.more" : "history.newer"));
    show(first, now !== newest || first.dataset.page !== "1");
  }

  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("change", restart);

  return {
    node,
    open() {
      const specs = [...live.specs.values()].filter((spec) => spec.kind === "queued");
      const names = specs.map((spec) => spec.cmd_type).join();
      if (names !== commands) {
        commands = names;
        command.replaceChildren(command.firstChild, ...specs.map((spec) => h("option", { value: spec.cmd_type, text: titleOf(live.specs, spec.cmd_type) })));
        const options = (ids) => robot.replaceChildren(robot.firstChild, ...ids.map((id) => h("option", { value: id, text: id })));
        options(live.look.robots.map((one) => one.robot_id));
        // a hub shows the past of the whole fleet
        if (live.look.robots.length === 0) get("fleet").then((fleet) => options(fleet.daemons.flatMap((one) => one.names))).catch(() => {});
      }
      restart();
    },
    update: label,
  };
}

// tasks ever accepted: while it is the same, the first page is too
const total = () => (live.look ? Object.values(live.look.counts).reduce((sum, number) => sum + number, 0) : 0);

/** The begin of today as an input of local time has it. */
function midnight() {
  const now = new Date(live.now());
  const pad = (number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}T00:00`;
}

function row(line) {
  const state = line.unknown ? "unknown" : line.state;
  const seconds = line.ended_at_ms && line.started_at_ms ? (line.ended_at_ms - line.started_at_ms) / 1000 : null;
  const about = [line.about, line.cmd_id].filter(Boolean).join(" · ");
  const cell = (word, attributes, ...children) => h("td", { "data-label": t(word), ...attributes }, ...children);
  const again = line.api === "robot" && ["completed", "failed", "cancelled"].includes(line.state) && live.may("submit");
  return { node: h("tr", {},
    cell("command", { class: "main" },
      h("a", { class: "title", href: `#task/${line.task_id}`, text: titleOf(live.specs, line.cmd_type) }),
      about && h("div", { class: "quiet own", text: about })),
    cell("robot", { class: "name" }, h("span", { text: line.robot_id })),
    cell("state", {}, h("span", { class: `pill ${state}`, text: t(`task.${state}`) }), line.message && line.state === "failed" && h("div", { class: "quiet own why", text: line.message })),
    cell("history.submitted", { class: "number" }, h("span", { text: clock(line.submitted_at_ms, { seconds: true }) })),
    cell("history.took", { class: "number" }, h("span", { text: seconds === null ? "–" : duration(seconds) }), again && h("a", { class: "edit quiet", href: `#submit/again/${encodeURIComponent(line.task_id)}`, text: t("detail.edit") }))) };
}

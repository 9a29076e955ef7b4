// Past tasks, page by page, with filters. One page is held at a time, however long the past is.

import { get, withQuery } from "../base/api.js";
import { h, list, setText, show } from "../base/dom.js";
import { duration, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { act, reasonOf } from "../base/ui.js";

const PAGE = 50;
const STATES = ["completed", "failed", "cancelled", "running", "pending"];

export function historyView() {
  let cursors = [null];
  let newest = 0;
  let commands = "";
  const choice = (id, word, options) => {
    const input = h("select", { id, name: id }, h("option", { value: "", text: t("all") }), options);
    return [input, h("div", { class: "field" }, h("label", { for: id, text: t(word) }), input)];
  };
  const [state, stateField] = choice("history-state", "state", STATES.map((one) => h("option", { value: one, text: t(`task.${one}`) })));
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
  const node = h("div", {}, h("h1", { text: t("history.title") }), filters, fault, none,
    h("div", { class: "card table", tabindex: 0, role: "region", "aria-label": t("history.title") }, h("table", {}, h("thead", {}, h("tr", {}, head)), rows)),
    h("div", { class: "buttons" }, first, older));

  const time = (input) => (input.value ? String(new Date(input.value).getTime()) : "");
  const restart = () => { cursors = [null]; return load(null); };

  async function load(cursor) {
    const page = await get(withQuery("tasks", {
      state: state.value, robot_id: robot.value, cmd_type: command.value, cmd_id: own.value.trim(),
      from: time(from), to: time(to), limit: PAGE, cursor,
    })).catch((error) => { setText(fault, reasonOf(error)); return null; });
    if (page === null) return;
    setText(fault, "");
    newest = total();
    list(rows, page.tasks, (line) => `${line.task_id}${line.state}`, row);
    show(none, page.tasks.length === 0);
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
        robot.replaceChildren(robot.firstChild, ...live.look.robots.map((one) => h("option", { value: one.robot_id, text: one.robot_id })));
      }
      restart();
    },
    update: label,
  };
}

// tasks ever accepted: while it is the same, the first page is too
const total = () => (live.look ? Object.values(live.look.counts).reduce((sum, number) => sum + number, 0) : 0);

function row(line) {
  const state = line.error_code === "outcome_unknown" ? "unknown" : line.state;
  const seconds = line.end_time && line.start_time ? (Date.parse(line.end_time.replace(" ", "T")) - Date.parse(line.start_time.replace(" ", "T"))) / 1000 : null;
  return { node: h("tr", {},
    h("td", {}, h("a", { class: "title", href: `#task/${line.task_id}`, text: titleOf(live.specs, line.cmd_type) }), h("div", { class: "quiet own", text: line.cmd_id || line.task_id })),
    h("td", { text: line.robot_id }),
    h("td", {}, h("span", { class: `pill ${state}`, text: t(`task.${state}`) }), line.error_code && state === "failed" && h("div", { class: "quiet own", text: line.error_code })),
    h("td", { class: "number", text: line.submit_time }),
    h("td", { class: "number", text: seconds === null ? "–" : duration(seconds) })) };
}

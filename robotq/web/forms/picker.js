// The list of commands: searched by words, in groups, what was kept and used lately first.

import { h, icon, setAttribute, setText, show } from "../base/dom.js";
import { t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { favourites, lately, toggleFavourite } from "./kept.js";
import { favouriteTitle } from "./favourites.js";

const KINDS = ["queued", "control", "query", "input"];

/**
 * `pick(cmdType)`, `take(favourite)` and `robotChanged()` are told what a person has chosen. `able(cmdType)`
 * gives the robots that can do a command.
 */
export function pickerPart({ pick, take, robotChanged, able }) {
  let chosen = "";
  const search = h("input", { id: "submit-search", type: "search", autocomplete: "off", spellcheck: "false", "aria-controls": "submit-list", placeholder: t("form.search"), "aria-label": t("form.search") });
  const robot = h("select", { id: "submit-for", "aria-label": t("form.for") }, h("option", { value: "", text: t("form.for.all") }));
  const groups = h("div", { id: "submit-list", class: "picker-list" });
  const none = h("p", { class: "quiet", hidden: true });
  const node = h("section", { class: "card picker", "aria-label": t("command") }, h("div", { class: "picker-head" }, search, robot), groups, none);

  const allowed = (cmdType) => live.specs.has(cmdType) && able(cmdType).some((name) => !robot.value || name === robot.value);

  function fits(cmdType, words) {
    const spec = live.specs.get(cmdType);
    const text = [cmdType, cmdType.replaceAll("_", " "), ...Object.values(spec?.title || {})].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }

  const entry = (cmdType) => h("button", {
    type: "button", class: "pick", "data-command": cmdType, "aria-pressed": String(cmdType === chosen),
    onclick: () => pick(cmdType),
  }, h("span", { class: "pick-title", text: titleOf(live.specs, cmdType) }), h("span", { class: "quiet pick-name", text: cmdType }));

  const favourite = (one) => h("div", { class: "pick-row" },
    h("button", { type: "button", class: "pick", "data-favourite": one.cmd_type, onclick: () => take(one) },
      h("span", { class: "pick-title", text: favouriteTitle(one) }), h("span", { class: "quiet pick-name", text: one.robot_id ?? "" })),
    h("button", { type: "button", class: "plain small", "aria-label": t("form.forget.one", { title: favouriteTitle(one) }), onclick: () => { toggleFavourite(one); draw(); } }, icon("cross")));

  const group = (word, entries) => entries.length > 0 && h("div", { class: "pick-group", role: "group", "aria-label": t(word) }, h("h3", { text: t(word) }), entries);

  function draw() {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const all = [...live.specs.values()].map((spec) => spec.cmd_type).filter((one) => allowed(one) && fits(one, words));
    const kept = favourites().filter((one) => allowed(one.cmd_type) && (!robot.value || !one.robot_id || one.robot_id === robot.value) && words.every((word) => favouriteTitle(one).toLowerCase().includes(word) || fits(one.cmd_type, [word])));
    const used = words.length ? [] : lately().filter(allowed);
    groups.replaceChildren(...[
      group("form.favourites", kept.map(favourite)),
      group("form.lately", used.map(entry)),
      ...KINDS.map((kind) => group(`kind.${kind}`, all.filter((one) => live.specs.get(one).kind === kind).map(entry))),
    ].filter(Boolean));
    show(none, groups.childElementCount === 0);
    setText(none, t("form.found", { text: search.value.trim() }));
  }

  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    const first = groups.querySelector(".pick");
    if (event.key === "Enter" && first) { event.preventDefault(); first.click(); }
    if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
  });
  groups.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const entries = [...groups.querySelectorAll(".pick")];
    const next = entries[entries.indexOf(document.activeElement) + step];
    (next ?? (step < 0 ? search : null))?.focus();
  });
  robot.addEventListener("change", () => { draw(); robotChanged(); });

  return {
    node,
    draw() { draw(); },
    /** The robot that a person wants to see the commands of; empty for all. */
    robot: () => robot.value,
    robots(names) {
      const before = robot.value;
      robot.replaceChildren(robot.firstChild, ...names.map((name) => h("option", { value: name, text: name })));
      if (names.includes(before)) robot.value = before;
    },
    select(cmdType) {
      chosen = cmdType;
      for (const one of groups.querySelectorAll("[data-command]")) setAttribute(one, "aria-pressed", String(one.dataset.command === chosen));
      groups.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest" });
    },
  };
}

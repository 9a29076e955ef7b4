// One key each for what is done often. Nothing moves by a short press: the stop is a key that is
// held, and a key that is typed into a field is a letter.

import { h, show } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { question } from "../base/ui.js";
import { pressStop } from "./stop.js";

const HOLD_MS = 700;
const KEYS = [["s", "keys.stop"], ["/", "keys.find"], ["n", "keys.new"], ["j", "keys.next"], ["k", "keys.before"], ["?", "keys.help"], ["Esc", "keys.escape"]];
const ROWS = ".lane, .rows.all .title, .table a.title, .ended a.title, .log a";

const typing = (target) => target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName)) && !["checkbox", "button", "radio"].includes(target.type);

/** Listen for keys until `off` is called; `node` is shown while the key of the stop is held. */
export function keys() {
  let held = null;
  const node = h("div", { id: "hold-stop", role: "status", hidden: true }, h("p", { text: t("keys.hold") }), h("div", { class: "meter" }, h("div", { class: "fill" })));

  function release() {
    clearTimeout(held);
    held = null;
    show(node, false);
  }

  function down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "s") {
      event.preventDefault();
      if (event.repeat || held) return;
      show(node, true);
      held = setTimeout(() => { release(); pressStop(); }, HOLD_MS);
      return;
    }
    // nothing is to be clicked on the wall; a person with a keyboard gets back all the same
    if (key === "Escape" && document.body.classList.contains("on-wall")) { location.hash = "now"; return; }
    // a question that is open has the other keys
    if (document.body.classList.contains("is-over") || document.body.classList.contains("on-wall")) return;
    const action = { "/": find, n: () => { location.hash = "submit"; }, j: () => step(1), k: () => step(-1), "?": help }[key];
    if (!action) return;
    event.preventDefault();
    action();
  }
  const up = (event) => { if (event.key.toLowerCase() === "s") release(); };
  addEventListener("keydown", down);
  addEventListener("keyup", up);
  addEventListener("blur", release);
  return { node, off() { release(); removeEventListener("keydown", down); removeEventListener("keyup", up); removeEventListener("blur", release); } };
}

/** To where something is looked for in this view; else to the list of commands. */
function find() {
  const field = [...document.querySelectorAll("main .find, main input[type=search]")].find((one) => one.checkVisibility());
  if (field) field.focus();
  else location.hash = "submit";
}

/** To the next robot or row, or the one before. */
function step(by) {
  const rows = [...document.querySelectorAll(ROWS)].filter((one) => one.checkVisibility() && one.closest("main"));
  if (!rows.length) return;
  const lanes = rows.filter((one) => one.classList.contains("lane"));
  const among = lanes.length && !document.activeElement.closest(".rows, .ended") ? lanes : rows.filter((one) => !one.classList.contains("lane"));
  const at = among.indexOf(document.activeElement.closest(ROWS) ?? document.activeElement);
  const next = among[Math.max(0, Math.min(among.length - 1, at < 0 ? 0 : at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
}

async function help() {
  const rows = h("dl", { class: "facts keys" }, KEYS.map(([key, word]) => h("div", {}, h("dt", {}, h("kbd", { text: key })), h("dd", { text: t(word) }))));
  await question({ title: t("keys.title"), text: t("keys.text"), fields: [rows], buttons: [{ value: "", text: t("close"), focus: true }] });
}

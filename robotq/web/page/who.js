// Asks once who is there, where nobody needs a key. It is in nobody's way: everything works
// without an answer, the stop before all.

import { h, setText, show } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { sayWho, whoIsHere } from "../base/who.js";

/** A row below the bar with the question, until it is answered. */
export function whoBar() {
  const input = h("input", { id: "who-name", autocomplete: "name", maxlength: 64, placeholder: t("who.example") });
  const later = h("button", { type: "button", class: "plain", text: t("who.none"), onclick: () => answered("") });
  const form = h("form", { id: "who", "aria-label": t("who.ask"), hidden: true },
    h("label", { for: "who-name", text: t("who.ask") }), input, h("button", { class: "primary", text: t("who.keep") }), later);
  form.addEventListener("submit", (event) => { event.preventDefault(); answered(input.value); });

  function answered(name) {
    sayWho(name);
    update();
    live.refresh();
  }

  function update() {
    const you = live.look?.you;
    // a wall only shows
    show(form, Boolean(you && !you.keys && whoIsHere() === null && !location.hash.startsWith("#wall")));
  }
  return { node: form, update };
}

/** A button with the name, to say another one. */
export function whoButton() {
  const node = h("button", { type: "button", class: "plain who-button", hidden: true, onclick: () => {
    const name = prompt(t("who.ask"), whoIsHere() || "");
    if (name !== null) { sayWho(name); update(); live.refresh(); }
  } });
  function update() {
    const name = whoIsHere();
    show(node, Boolean(live.look && !live.look.you.keys && name !== null));
    setText(node, name || t("who.nobody"));
    node.title = t("who.change");
  }
  return { node, update };
}

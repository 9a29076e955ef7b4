// A button that opens a few choices under it. With a single choice the button is that choice.

import { h, icon, setAttribute } from "./dom.js";
import { act } from "./ui.js";

let opened = null; // one at a time

/**
 * `choices()` gives `[{ text, hint, symbol, allowed, doing }]` at the moment of the press; `label`
 * stands on the button where there is more than one.
 */
export function menu({ label, symbol, name = "", choices }) {
  const list = h("div", { class: "menu", role: "menu", "aria-label": label, hidden: true });
  const main = h("button", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => press() });
  const node = h("div", { class: "menu-box" }, main, list);
  let face = "";

  function press() {
    if (!list.hidden) { close(true); return; }
    const now = choices();
    if (now.length === 1) { act(main, now[0].doing); return; }
    opened?.close(false);
    opened = { node, close };
    list.replaceChildren(...now.map(item));
    list.hidden = false;
    setAttribute(main, "aria-expanded", "true");
    // it stays on the screen: to the left where there is no room to the right
    list.classList.toggle("to-start", list.getBoundingClientRect().right > innerWidth);
    list.querySelector("button:not(:disabled)")?.focus();
  }

  function close(back) {
    if (list.hidden) return;
    list.hidden = true;
    setAttribute(main, "aria-expanded", "false");
    opened = null;
    if (back) main.focus();
  }

  const item = (choice) => h("button", { type: "button", role: "menuitem", class: "plain", disabled: choice.allowed === false,
    onclick: () => { close(true); act(main, choice.doing); } },
  choice.symbol && icon(choice.symbol), h("span", {}, h("b", { text: choice.text }), choice.hint && h("span", { class: "quiet", text: choice.hint })));

  list.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll("button:not(:disabled)")];
    const at = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp") items[(at + items.length - 1) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close(event.key === "Escape");
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  });

  return { node, main, update() {
    const now = choices();
    const single = now.length === 1 ? now[0] : null;
    main.disabled = now.length === 0 || now.every((choice) => choice.allowed === false);
    const text = single?.text ?? label;
    const key = `${text}${single?.symbol ?? symbol}${now.length > 1}`;
    if (key === face) return;
    face = key;
    main.replaceChildren(icon(single?.symbol ?? symbol), h("span", { text: single ? text : `${text}…` }));
    setAttribute(main, "aria-label", `${single ? text : `${text}…`}${name && `: ${name}`}`);
    setAttribute(main, "aria-haspopup", single ? null : "menu");
    setAttribute(main, "aria-expanded", single ? null : String(!list.hidden));
  } };
}

document.addEventListener("pointerdown", (event) => {
  if (opened && !opened.node.contains(event.target)) opened.close(false);
});

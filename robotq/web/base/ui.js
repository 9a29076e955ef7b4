// What every part of the page uses: messages, questions with two answers, buttons that work once.

import { GivenUp, Refused } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { live } from "./live.js";

const SHOWN_MS = 6000;
const MOST = 4;

let messages = null;

/** Say something in the corner; `bad` stays until it is closed. */
export function tell(text, { bad = false, action = null, shownMs = SHOWN_MS } = {}) {
  messages ||= document.getElementById("messages");
  const note = h("div", { class: `message${bad ? " bad" : ""}`, role: bad ? "alert" : null },
    h("span", { text }),
    action,
    h("button", { class: "plain small", "aria-label": t("close"), onclick: () => note.remove() }, icon("cross")));
  // said of several robots at once, it is said once
  const last = messages.lastElementChild;
  if (last?.firstChild.textContent === text && !action) last.remove();
  messages.append(note);
  while (messages.children.length > MOST) messages.firstChild.remove();
  if (!bad) setTimeout(() => note.remove(), shownMs);
}

/** Why something was not done, in words. */
export function reasonOf(error) {
  if (error instanceof Refused) {
    return error.status === 403 && error.code === "forbidden" ? t("forbidden") : error.message;
  }
  return t(error instanceof GivenUp ? "givenup" : "unreachable");
}

// whatever was asked for: it is done here, and somebody has to go and look at the other machine
addEventListener("nottold", ({ detail }) => tell(t("nottold", { robots: detail.join(", ") }), { bad: true }));

export const tellFailure = (error) => tell(t("failed", { reason: reasonOf(error) }), { bad: true });

/** Do something once however often a button is pressed meanwhile; says why where it fails. */
export async function act(button, doing) {
  if (button.getAttribute("aria-busy") === "true") return null;
  button.setAttribute("aria-busy", "true");
  try {
    return await doing();
  } catch (error) {
    tellFailure(error);
    return null;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** A button that does one thing. */
export function button(label, doing, { kind = "", name = null, title = null, symbol = null, allowed = true } = {}) {
  const node = h("button", {
    type: "button", class: kind, "aria-label": name, title: allowed ? title : t("forbidden"),
    disabled: !allowed,
    onclick: (event) => { event.stopPropagation(); act(node, doing); },
  }, symbol && icon(symbol), label && h("span", { text: label }));
  return node;
}

let over = 0;

/**
 * Open a dialog over the page. The bar with the emergency stop stays in reach, so this is no
 * modal dialog of the browser: the rest of the page is put out of reach instead.
 */
export function openOver(dialog) {
  if (dialog.open) return;
  over += 1;
  const before = document.activeElement;
  putAside();
  dialog.show();
  dialog.addEventListener("close", () => {
    over -= 1;
    putAside();
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  }, { once: true });
}

function putAside() {
  document.body.classList.toggle("is-over", over > 0);
  for (const node of document.querySelectorAll("main, .attention, .skip")) node.inert = over > 0;
}

addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  if (open && open.id !== "login") { event.preventDefault(); open.close(); }
});

/**
 * Ask something over the page; gives the value of the button, "" for none. `buttons` are
 * `{ value, text, kind, focus }`. `over(look)` says in words why the question has no meaning any
 * more, null while it has: then it closes by itself and says so. `follow(look)` keeps it up to date.
 */
export function question({ title, text, fields = [], buttons, over = () => null, follow = () => {} }) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title", "aria-describedby": "ask-text" },
      h("h2", { id: "ask-title", text: title }),
      h("p", { id: "ask-text", text }), fields,
      h("div", { class: "buttons end" }, buttons.map(({ value, text: label, kind = "", focus = false }) =>
        h("button", { type: "button", class: kind, autofocus: focus, onclick: () => close(value), text: label }))));
    const look = (now) => {
      if (!dialog.isConnected) { off(); return; }
      const why = over(now);
      if (why) {
        close("");
        tell(t("over", { title, why }), { bad: true });
      } else follow(now);
    };
    const close = (value) => dialog.close(value);
    const off = live.on("look", look);
    dialog.addEventListener("close", () => { off(); dialog.remove(); resolve(dialog.returnValue); });
    document.body.append(dialog);
    openOver(dialog);
    dialog.querySelector("[autofocus]").focus();
    if (live.look) look(live.look);
  });
}

/** Ask before something that cannot be taken back; `field` goes with it. Enter alone answers no. */
export async function confirm({ title, text, yes, no = t("cancel"), field = null, over }) {
  const buttons = [{ value: "", text: no, focus: true }, { value: "yes", text: yes, kind: "strong" }];
  return await question({ title, text, fields: [field], buttons, over }) === "yes";
}

/** Put a text on the clipboard, also where the page came without encryption. */
export async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {
    const area = h("textarea", { class: "offscreen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  tell(t("submit.copied"));
}

/** The word of a state with its colour and sign. */
export function pill(state, text) {
  return h("span", { class: `pill ${state}`, text });
}

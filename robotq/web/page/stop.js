// The stop of all robots: the button, and what fills the screen when it did not get through.

import { whoHeaders } from "../base/who.js";
import { answerOf } from "../base/api.js";
import { h, icon, setAttribute, setText, show } from "../base/dom.js";
import { clock, language, t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { reasonOf, tell } from "../base/ui.js";

const PATH = "estop?reason=dashboard";
const SLOW_MS = 3000; // a daemon waits two seconds for its robots; whatever is longer is no answer

let failure = null; // of the latest stop, until somebody has read it
let redraw = () => {};

/** One press, no question. It stays pressable when it is dead: whoever presses it is told. */
export function stopButton() {
  const label = h("span", { class: "label" });
  const signs = { alive: icon("stop"), dead: icon("stopDead") };
  const node = h("button", { type: "button", id: "estop", title: t("estop.hint"), onclick: () => pressStop() }, signs.alive, signs.dead, label);
  const outer = h("div", { class: "stop" }, node, h("span", { class: "not-red", text: t("estop.not") }));
  return {
    node: outer,
    update(look) {
      const dead = live.contact === false || live.locked;
      const why = t(live.locked ? "estop.nokey" : "estop.dead");
      node.classList.toggle("dead", dead);
      node.classList.toggle("latched", Boolean(look?.estop));
      setAttribute(signs.alive, "hidden", dead);
      setAttribute(signs.dead, "hidden", !dead);
      setText(label, dead ? why : t("estop"));
      setAttribute(node, "aria-label", dead ? `${t("estop")}: ${why}` : t("estop"));
      setAttribute(node, "aria-pressed", Boolean(look?.estop));
      redraw();
    },
  };
}

export async function pressStop() {
  const pressedAt = Date.now();
  // pressed again while it is latched, it is sent again: whoever presses means it
  live.makeWayForStop();
  const slow = setTimeout(() => fail(pressedAt, t("stopfail.slow")), SLOW_MS);
  try {
    // keepalive: it leaves also when the page is closed in the same moment
    const answer = await answerOf(await fetch(PATH, {
      method: "POST", keepalive: true, priority: "high", cache: "no-store", credentials: "same-origin",
      headers: { "Accept-Language": language(), ...whoHeaders() },
    }));
    if (failure) { failure.throughAt = Date.now(); redraw(); }
    tell(answer.message || t("estop.sent"));
  } catch (error) {
    if (error.body?.latched === true) fail(pressedAt, error.message, "stopfail.partly");
    else fail(pressedAt, reasonOf(error));
  } finally {
    clearTimeout(slow);
    live.restUntil = 0;
    live.refresh();
  }
}

function fail(pressedAt, reason, title = "stopfail.title") {
  if (title === "stopfail.title") {
    live.setContact(false);
    // by another way, which waits for no answer; twice is no harm
    navigator.sendBeacon?.(PATH);
  }
  failure = { pressedAt, reason, title };
  redraw();
}

/** Fills the screen after a stop that failed, until somebody acknowledges it. */
export function stopFailure() {
  const title = h("h2", { id: "stopfail-title", tabindex: -1 });
  const reason = h("p", { class: "reason" });
  const through = h("p", { class: "through", role: "status" });
  const node = h("div", { id: "stopfail", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "stopfail-title", hidden: true },
    h("div", { class: "sign" }, icon("stopDead")), title,
    h("p", { class: "what-now", text: t("stopfail.now") }), reason, through,
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "big", onclick: () => pressStop() }, h("span", { text: t("stopfail.again") })),
      h("button", { type: "button", class: "big", onclick: () => { failure = null; redraw(); } }, h("span", { text: t("stopfail.read") }))));
  redraw = () => {
    const appears = failure !== null && node.hidden;
    show(node, failure !== null);
    // what lies behind is out of reach of the keyboard, too
    for (const other of document.querySelectorAll("#bar, #drawer, #login, dialog.ask, #messages")) other.inert = failure !== null;
    if (failure === null) return;
    setText(title, t(failure.title));
    setText(reason, t("stopfail.reason", { clock: clock(failure.pressedAt, { seconds: true }), reason: failure.reason }));
    const latched = failure.throughAt || (live.contact && live.look?.estop);
    setText(through, latched ? t("stopfail.through") : "");
    if (appears) title.focus();
  };
  return { node, update: () => redraw() };
}

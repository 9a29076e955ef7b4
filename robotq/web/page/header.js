// The bar that is always there: where you are, whether it is true, and the emergency stop.

import { ask } from "../base/api.js";
import { h, icon, setAttribute, setText, show } from "../base/dom.js";
import { clock, passing, keep, language, setLanguage, t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { callsButton } from "./calls.js";
import { stopButton } from "./stop.js";
import { act } from "../base/ui.js";
import { whoButton } from "./who.js";

const MODES = ["auto", "light", "dark"];

export function header(views, { onLanguage, skip }) {
  const state = h("span", { class: "live", role: "status" });
  const simulated = h("span", { class: "badge", text: t("simulated"), hidden: true });
  const nav = h("nav", { "aria-label": t("views") }, views.map(({ id }) =>
    h("a", { href: `#${id}`, id: `tab-${id}`, text: t(`view.${id}`) })));
  const logout = h("button", { type: "button", class: "plain", hidden: true, onclick: () => act(logout, signOut) }, icon("key"));
  const stop = stopButton();
  const theme = themeButton();
  const who = whoButton();
  const other = h("button", { type: "button", class: "plain", lang: language() === "zh" ? "en" : "zh", text: t("language.other"),
    onclick: () => { setLanguage(language() === "zh" ? "en" : "zh"); onLanguage(); } });
  const time = h("time", { class: "wall-clock" });
  // the stop is the first that the keyboard comes to, wherever it is drawn
  const node = h("header", { id: "bar" }, stop.node, skip, time,
    h("a", { class: "brand", href: "#now", "aria-label": "robotq" }, h("img", { src: "dashboard/files/page/icon.svg", alt: "", width: 28, height: 28 }), h("span", { text: "robotq" })),
    h("div", { class: "states" }, state, simulated),
    nav, h("div", { class: "tools" }, who.node, logout, callsButton(), theme, other));

  function update() {
    const look = live.look;
    const word = live.stale ? "stale" : !look ? "connecting" : live.streaming ? "live" : "polling";
    setText(state, t(word));
    setAttribute(state, "data-state", word);
    stop.update(look);
    who.update();
    show(simulated, Boolean(look?.robots.length) && look.robots.every((robot) => robot.simulated));
    show(logout, Boolean(look?.you.keys && look.you.name !== "anonymous"));
    setAttribute(logout, "aria-label", t("logout", { name: look?.you.name }));
    setAttribute(logout, "title", t("logout", { name: look?.you.name }));
    for (const { id, present } of views) show(node.querySelector(`#tab-${id}`), present === undefined || present());
  }
  const tick = () => setText(time, clock(live.now(), { seconds: true }));
  tick();
  return {
    node,
    update,
    tick,
    select(id) {
      for (const link of nav.children) setAttribute(link, "aria-current", link.id === `tab-${id}` ? "page" : null);
      // on a phone the bar is wider than the screen
      node.querySelector(`#tab-${id}`)?.scrollIntoView({ block: "nearest", inline: "center" });
    },
  };
}

function themeButton() {
  const root = document.documentElement;
  const label = () => {
    const text = t("theme", { mode: t(`theme.${root.dataset.chosen}`) });
    setAttribute(node, "aria-label", text);
    setAttribute(node, "title", text);
    node.replaceChildren(icon(root.dataset.theme === "dark" ? "moon" : "sun"));
  };
  const node = h("button", { type: "button", class: "plain", onclick: () => {
    root.dataset.chosen = MODES[(MODES.indexOf(root.dataset.chosen) + 1) % MODES.length];
    keep("theme", root.dataset.chosen);
    dispatchEvent(new Event("robotq-theme"));
    label();
  } });
  label();
  return node;
}

async function signOut() {
  await ask("DELETE", "dashboard/session", {});
  location.reload();
}

/** The title of the window, for whoever looks at another one. */
export function windowTitle(look) {
  if (live.stale) return `⚠ ${t("stale")} · robotq`;
  if (!look) return "robotq";
  if (look.estop) return `⛔ ${t("estop.latched")} · robotq`;
  if (look.robots.some((robot) => robot.running?.waiting_for)) return `❓ ${t("state.asking")} · robotq`;
  const held = look.robots.find((robot) => robot.holds.length && !robot.running);
  if (held) return `⏸ ${held.robot_id} · robotq`;
  const running = look.robots.filter((robot) => robot.running);
  if (!running.length) return "robotq";
  const percent = running[0].running.progress;
  return `▶ ${running.length}${percent === null ? "" : ` · ${Math.round(percent * 100)} %`} · robotq`;
}

export function staleBanner() {
  const text = h("p");
  const node = h("div", { class: "banner stale", role: "alert", hidden: true }, icon("warn"), text);
  return {
    node,
    update() {
      show(node, live.stale);
      document.body.classList.toggle("is-stale", live.stale);
      if (!live.stale) return;
      setText(text, live.answeredAt
        ? t("stale.text", { time: passing((Date.now() - live.answeredAt) / 1000), clock: clock(live.answeredAt, { seconds: true }) })
        : t("stale.never"));
    },
  };
}

// Commands that this browser keeps, as buttons on Now. Each asks before it submits.

import { freshKey, post } from "../base/api.js";
import { h, list, show } from "../base/dom.js";
import { t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { button, question, tell } from "../base/ui.js";
import { favourites, onKept, usedNow } from "./kept.js";

/** A favourite in words: what it does, and to what. */
export function favouriteTitle(one) {
  const words = Object.entries(one.params).filter(([name, value]) => name !== "robot_id" && ["string", "number"].includes(typeof value)).map(([, value]) => String(value));
  return [titleOf(live.specs, one.cmd_type), ...words.slice(0, 2)].join(" · ").slice(0, 80);
}

async function submit(one) {
  const title = favouriteTitle(one);
  const answer = await question({
    title: t("form.favourite.ask", { title, robot: one.robot_id ?? "–" }), text: one.cmd_type,
    buttons: [{ value: "", text: t("cancel"), focus: true }, { value: "edit", text: t("form.favourite.edit") }, { value: "yes", text: t("submit.send"), kind: "strong" }],
  });
  if (answer === "edit") { location.hash = `#submit/kept/${favourites().findIndex((other) => JSON.stringify(other) === JSON.stringify(one))}`; return; }
  if (answer !== "yes") return;
  const body = { cmd_type: one.cmd_type, params: one.params, ...(one.robot_id ? { robot_id: one.robot_id } : {}) };
  const found = await post("./", body, { headers: { "Idempotency-Key": freshKey(), Prefer: "respond-async" }, timeoutMs: 30000 });
  usedNow(one.cmd_type);
  tell(found.message ?? t("submit.accepted"), { action: found.task_id ? h("a", { href: `#task/${found.task_id}`, text: t("detail.open") }) : null });
  live.refresh();
}

/** What stands on Now: nothing where nothing is kept. */
export function favouritesPart() {
  const buttons = h("div", { class: "buttons favourites" });
  const node = h("section", { class: "favourites-part", "aria-label": t("form.favourites"), hidden: true }, h("h2", { class: "offscreen", text: t("form.favourites") }), buttons);
  function update() {
    const known = favourites().filter((one) => live.specs.has(one.cmd_type));
    list(buttons, known, (one) => JSON.stringify([one, live.may("submit")]), (one) => ({
      node: button([favouriteTitle(one), one.robot_id].filter(Boolean).join(" → "), () => submit(one), { symbol: "star", kind: "favourite", allowed: live.may("submit") }),
    }));
    show(node, known.length > 0);
  }
  onKept(update);
  return { node, update };
}

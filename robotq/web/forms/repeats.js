// What repeats by the clock of the daemon: when it runs next, what was skipped and why.

import { ask, get } from "../base/api.js";
import { h, list, setText, show } from "../base/dom.js";
import { clock, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { button, confirm, tell } from "../base/ui.js";
import { favouriteTitle } from "./favourites.js";

const atText = (one) => t("repeats.at", { at: one.at, days: one.days.length === 7 ? t("repeats.every") : one.days.map((day) => t(`form.day.${day}`)).join(" ") });

/** The list of repeats, and what the daemon's clock says. */
export function repeatsPart() {
  const rows = h("ul", { class: "repeats" });
  const none = h("p", { class: "quiet", text: t("repeats.none"), hidden: true });
  const node = h("section", { class: "card" }, h("h3", { text: t("repeats.title") }), none, rows);
  let found = null;
  let seen = -1;

  async function load() {
    found = await get("repeats");
    show(none, found.repeats.length === 0);
    list(rows, found.repeats, (one) => `${one.repeat_id}/${one.next_ms}/${one.skipped?.at_ms ?? 0}`, row);
  }

  function row(one) {
    const title = titleOf(live.specs, one.command.cmd_type);
    const about = favouriteTitle({ cmd_type: one.command.cmd_type, params: Array.isArray(one.command.params) ? {} : one.command.params ?? {} });
    return { node: h("li", {},
      h("div", { class: "row-words" },
        h("span", { class: "title", text: `${about} → ${one.robot_id}` }),
        h("div", { class: "row-more quiet" }, h("span", { text: atText(one) }), h("span", { text: t("repeats.next", { clock: clock(one.next_ms) }) }),
          one.last_task_id && h("a", { href: `#task/${one.last_task_id}`, text: t("repeats.last", { clock: clock(one.last_ms) }) })),
        one.skipped && h("p", { class: "wait", text: t("repeats.skipped", { clock: clock(one.skipped.at_ms), reason: one.skipped.reason }) })),
      button(t("repeats.remove"), () => remove(one, title), { kind: "small", allowed: live.may("submit") })) };
  }

  async function remove(one, title) {
    if (!await confirm({ title: t("repeats.remove.ask", { title }), text: t("repeats.remove.text", { at: one.at }), yes: t("repeats.remove.yes"), no: t("task.keep") })) return;
    tell((await ask("DELETE", `repeats/${encodeURIComponent(one.repeat_id)}`, {})).message);
    await load();
  }

  return {
    node,
    load,
    /** Look again where an event tells of a repeat. */
    event(event) {
      if (!event.kind?.startsWith("repeat.") && !(event.data?.repeat)) return;
      if (event.id === seen) return;
      seen = event.id;
      load().catch(() => show(none, false));
    },
    async clockText() {
      if (!found) await load();
      return t("form.zone", { zone: found.zone, clock: found.clock });
    },
  };
}

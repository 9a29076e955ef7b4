// What a dry run has answered: where the command would stand, when it would start, what holds it.

import { h } from "../base/dom.js";
import { clock, duration, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { outlookNode } from "./outlook.js";
import { valueNode } from "./values.js";

/** "number 4, about 14:20". */
export function placeText(command) {
  if (command.kind !== "queued") return t("dry.at.once");
  const { position, starts_in_s: startsIn, starts_after_resume_s: afterResume } = command;
  if (position === undefined || position === null) return "";
  if (typeof startsIn === "number") return t("dry.about", { position, clock: clock(live.now() + startsIn * 1000) });
  if (typeof afterResume === "number") return t("dry.resumed", { position, time: duration(afterResume) });
  return t("dry.place", { position });
}

export function dryNode(found) {
  return h("div", { class: "dry" }, h("h3", { text: t("dry.title") }), found.commands.slice(0, 20).map((command) => {
    const params = command.params && !Array.isArray(command.params) ? { ...command.params } : command.params;
    if (params && !Array.isArray(params)) delete params.program;
    const rows = [
      [t("command"), titleOf(live.specs, command.cmd_type)],
      [t("dry.robot"), command.robot_id],
      [t("dry.line"), placeText(command)],
      [t("form.at"), command.not_before],
      [t("dry.holds"), command.holds.map((hold) => hold.reason).join(" · ")],
    ].filter(([, value]) => value);
    return h("div", { class: "dry-one" },
      h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: value })))),
      params && Object.keys(params).length > 0 && valueNode(params),
      command.program && outlookNode(command.program));
  }));
}

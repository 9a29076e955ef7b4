// What a program of G-code comes to, and why one is refused, in words.

import { h, icon } from "../base/dom.js";
import { count, duration, t } from "../base/i18n.js";

const round = (value) => String(Math.round(value * 1000) / 1000);

/** What the daemon says about a program that it would take. */
export function outlookNode(program) {
  const box = Object.entries(program.box_mm || {});
  const rows = [
    [t("program.lines"), count(program.lines)],
    [t("program.estimate"), duration(program.estimate_s)],
    [t("program.box"), box.length ? box.map(([axis, [least, most]]) => t("program.axis", { axis: axis.toUpperCase(), least: round(least), most: round(most) })).join(" · ") : t("program.box.none")],
    [t("program.tools"), (program.tools || []).map((tool) => `T${tool}`).join(", ")],
    [t("program.questions"), questionsText(program)],
    [t("program.firmware"), program.firmware + (program.connected ? "" : ` · ${t("program.not_connected")}`)],
  ].filter(([, value]) => value);
  return h("dl", { class: "facts outlook" }, rows.map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: value }))));
}

function questionsText(program) {
  const all = program.questions || [];
  if (!all.length) return "";
  const shown = all.slice(0, 8).map((one) => t("program.question", { code: one.code, line: count(one.line) })).join(", ");
  const more = (program.questions_in_all || all.length) - Math.min(all.length, 8);
  return more > 0 ? `${shown} ${t("value.more", { count: count(more) })}` : shown;
}

/** A refused program: its line, the rule, and what would let it pass. */
export function refusalNode(body) {
  return h("div", { class: "refusal" },
    h("p", { class: "fault" }, icon("warn"), h("span", { text: body.line ? t("program.refused.line", { line: count(body.line) }) : t("program.refused") })),
    body.text && h("pre", { tabindex: 0, text: body.text }),
    h("p", { text: body.rule || body.message }),
    body.way_out && h("p", { class: "way-out", text: t("program.way_out", { way: body.way_out }) }));
}

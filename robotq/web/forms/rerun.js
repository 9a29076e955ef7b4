// A program again from one of its lines: first what would run is shown, then a person decides.

import { freshKey, post, Refused, task as taskPath } from "../base/api.js";
import { h } from "../base/dom.js";
import { count, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { question, reasonOf, tell } from "../base/ui.js";
import { outlookNode } from "./outlook.js";

const first = (task) => Math.max(2, task.error?.stopped_at?.done?.line ?? 2);

/** Whether this ended command carries out one program of which a line can be chosen. */
export const canRerun = (task) => task.api === "robot" && !["pending", "running"].includes(task.state) && Boolean(task.params?.program);

/** Ask for a line, show what would run from it, and run that after a person has said so. */
export async function rerunFromLine(task, done = () => {}) {
  let line = first(task);
  let fault = "";
  for (;;) {
    line = await askLine(task, line, fault);
    if (line === null) return;
    let look;
    try {
      look = await post(taskPath(task.task_id, "rerun"), { from_line: line }, { timeoutMs: 60000 });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      fault = [reasonOf(error), error.body.way_out].filter(Boolean).join(" · ");
      continue;
    }
    const decided = await askRun(task, look);
    if (decided === "back") { fault = ""; continue; }
    if (!decided) return;
    const answer = await post(taskPath(task.task_id, "rerun"), { from_line: line, seen: look.seen, ...decided }, { headers: { "Idempotency-Key": freshKey() }, timeoutMs: 60000 });
    tell(answer.message, { action: h("a", { href: `#task/${answer.task_id}`, text: t("detail.open") }) });
    live.refresh();
    done();
    return;
  }
}

async function askLine(task, line, fault) {
  const input = h("input", { id: "rerun-line", type: "number", min: 2, step: 1, inputmode: "numeric", value: line });
  const stopped = task.error?.stopped_at?.done;
  const answer = await question({
    title: t("rerun.ask", { title: titleOf(live.specs, task.cmd_type) }),
    text: stopped ? t("rerun.stopped", { line: count(stopped.line) }) : t(task.state === "completed" ? "rerun.whole" : "rerun.unknown"),
    fields: [
      h("div", { class: "field" }, h("label", { for: "rerun-line", text: t("rerun.line") }), input),
      fault && h("p", { class: "fault", role: "alert", text: fault }),
    ].filter(Boolean),
    buttons: [{ value: "", text: t("cancel") }, { value: "show", text: t("rerun.show"), kind: "strong", focus: true }],
  });
  if (answer !== "show") return null;
  const number = Number(input.value);
  return Number.isInteger(number) && number >= 2 ? number : 2;
}

async function askRun(task, look) {
  const note = h("input", { id: "rerun-note", type: "text", maxlength: 500, autocomplete: "off" });
  const motion = look.first_motion;
  const stood = Object.entries(look.stood_at || {}).map(([axis, value]) => `${axis.toUpperCase()} ${value === null ? "?" : Math.round(value * 1000) / 1000}`).join("  ");
  const rows = [
    [t("rerun.first"), t("rerun.motion", { line: count(motion.line), text: motion.text })],
    [t("rerun.moves"), motion.axes.join(", ").toUpperCase()],
    [t("rerun.stays"), motion.stays.join(", ").toUpperCase()],
    [t("rerun.stood"), stood],
    [t("rerun.tool"), look.tool === null || look.tool === undefined ? "" : `T${look.tool}`],
  ].filter(([, value]) => value);
  const then = await question({
    title: t("rerun.sure", { line: count(look.from_line), robot: task.robot_id }), text: t("rerun.straight"),
    fields: [h("div", { class: "rerun" },
      h("h3", { text: t("rerun.preamble") }),
      look.preamble.length ? h("pre", { tabindex: 0, class: "preamble", text: look.preamble.join("\n") }) : h("p", { class: "quiet", text: t("rerun.preamble.none") }),
      h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: value })))),
      look.program && outlookNode(look.program),
      h("div", { class: "field" }, h("label", { for: "rerun-note", text: t("note") }), note))],
    buttons: [
      { value: "", text: t("cancel"), focus: true },
      { value: "back", text: t("rerun.other") },
      { value: "continue", text: t("resolve.again.go") },
      { value: "stay_paused", text: t("resolve.again.stay"), kind: "strong" },
    ],
  });
  if (!then || then === "back") return then || null;
  return { then, note: note.value.trim() };
}

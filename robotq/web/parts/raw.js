// A raw line: what an admin says to a controller in its own language, past all commands.

import { post, robot as robotPath } from "../base/api.js";
import { h, setText, show } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { act, button } from "../base/ui.js";

const LIMIT_S = 60;
/** The daemon answers when the robot stands, also where it had to be stopped. */
const MORE_S = 60;
const LONGEST = 79;

/** What is beside a robot whose queue is paused, for who may do anything. */
export function rawPart(name) {
  const line = h("input", { type: "text", maxlength: LONGEST, required: true, autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-label": `${t("raw.line")}: ${name}` });
  const says = h("pre", { class: "raw-answer", role: "status" });
  const send = button(t("raw.send"), sendIt, { name: `${t("raw.send")}: ${name}` });
  const form = h("form", { class: "buttons", onsubmit: (event) => { event.preventDefault(); act(send, sendIt); } }, line, send);
  const node = h("details", { hidden: true, class: "raw" }, h("summary", { text: t("raw") }), h("p", { class: "quiet", text: t("raw.hint") }), form, says);

  async function sendIt() {
    if (!form.reportValidity()) return;
    setText(says, t("raw.sent"));
    try {
      const told = await post(robotPath(name, "raw"), { line: line.value, limit_s: LIMIT_S }, { timeoutMs: (LIMIT_S + MORE_S) * 1000 });
      setText(says, [`> ${told.line}`, ...told.answer, told.message].join("\n"));
      line.value = "";
    } catch (error) {
      setText(says, error.message);
      throw error;
    }
  }
  return {
    node,
    update(robot) {
      // while a line is under way the robot has nothing else, and its answer is waited for here
      const may = live.may("admin") && robot.raw_lines && robot.running === null && robot.connected;
      show(node, may && robot.holds.some((hold) => hold.code === "paused"));
    },
  };
}

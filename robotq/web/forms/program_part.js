// The program of a task on its page: its head, all of it as a file, its way as a picture.

import { task as taskPath } from "../base/api.js";
import { h, show } from "../base/dom.js";
import { count, t } from "../base/i18n.js";

export function programPart() {
  const head = h("pre", { tabindex: 0, class: "program-head" });
  const size = h("span", { class: "quiet" });
  const link = h("a", { download: "", text: t("program.file") });
  const node = h("section", { hidden: true }, h("h3", { text: t("program.title") }), h("p", { class: "program-file" }, link, size), head);
  let shown = null;
  return {
    node,
    update(task) {
      const program = task.params?.program;
      show(node, Boolean(program));
      if (!program || shown === task.task_id) return;
      shown = task.task_id;
      const text = typeof program === "string" ? program : Array.isArray(program) ? program.join("\n") : program.head ?? "";
      link.href = taskPath(task.task_id, "program");
      size.textContent = ` ${t("program.size", { size: count(Math.ceil((program.bytes ?? text.length) / 1024)) })}`;
      head.textContent = text.slice(0, 1000);
    },
  };
}

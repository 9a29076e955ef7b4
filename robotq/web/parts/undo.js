// A cancel that is taken back within ten seconds. The cancel itself waits for nothing: what was
// called off is submitted anew, where it stood.

import { post } from "../base/api.js";
import { h } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { act, tell } from "../base/ui.js";

const UNDO_MS = 10000;
const AT_ONCE = 1000;

/** Say what was cancelled, with a button that puts these tasks back. */
export function undoable(message, taskIds) {
  if (!taskIds.length) { tell(message); return; }
  const undo = h("button", { type: "button", class: "small undo", text: t("undo"), onclick: () => act(undo, async () => {
    let restored = null;
    for (let first = 0; first < taskIds.length; first += AT_ONCE) {
      restored = await post("tasks/restore", { task_ids: taskIds.slice(first, first + AT_ONCE) }, { timeoutMs: 60000 });
    }
    undo.closest(".message")?.remove();
    tell(restored.message);
    live.refresh();
  }) });
  tell(message, { action: undo, shownMs: UNDO_MS });
}

// Asks for a key where the daemon has keys. The page itself never keeps it.

import { post, Refused } from "../base/api.js";
import { h, setText } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { openOver, reasonOf } from "../base/ui.js";

export function login() {
  const input = h("input", { type: "password", id: "key", autocomplete: "current-password", spellcheck: "false", required: true });
  const fault = h("p", { class: "fault", role: "alert" });
  const form = h("form", {},
    h("h2", { id: "login-title", text: t("login.title") }),
    h("p", { class: "quiet", text: t("login.text") }),
    h("label", { for: "key", text: t("login.key") }), input, fault,
    h("div", { class: "buttons end" }, h("button", { class: "primary", text: t("login.use") })));
  const node = h("dialog", { id: "login", "aria-labelledby": "login-title" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const key = input.value.trim();
      // what cannot be sent is no key
      if (!/^[\x21-\x7e]+$/.test(key)) throw new Refused(401, {});
      await post("dashboard/session", {}, { headers: { Authorization: `Bearer ${key}` } });
      input.value = "";
      setText(fault, "");
      live.locked = false;
      live.refresh();
    } catch (error) {
      setText(fault, error instanceof Refused && error.status === 401 ? t("login.wrong") : reasonOf(error));
      input.focus();
    }
  });
  return {
    node,
    update() {
      if (live.locked && !node.open) { openOver(node); input.focus(); }
      if (!live.locked && node.open) node.close();
    },
  };
}

// The field for a program of G-code: text to write, or a file that is sent as it is.

import { h, icon, setAttribute, setText, show } from "../base/dom.js";
import { count, t } from "../base/i18n.js";
import { FieldError } from "../parts/schema_form.js";
import { pathPart } from "./path.js";

const AS_TEXT = 256 * 1024; // a file up to this size is shown and can be changed

/** A field as `schema_form` has them. Its value is a text, or a File. */
export function programField({ path, required }, { quiet, onchange }) {
  let file = null;
  const text = h("textarea", { id: "submit-program", rows: 9, spellcheck: "false", autocapitalize: "off", autocomplete: "off", class: "mono program-text", "aria-required": required ? "true" : null });
  const choose = h("input", { type: "file", accept: ".nc,.gcode,.ngc,.gco,.tap,.cnc,text/plain", class: "offscreen", id: "submit-program-file", tabindex: -1, "aria-hidden": "true" });
  const open = h("button", { type: "button", class: "small", onclick: () => choose.click() }, icon("copy"), h("span", { text: t("program.open") }));
  const name = h("span", {});
  const other = h("button", { type: "button", class: "plain small", "aria-label": t("program.drop"), onclick: () => { put(null); onchange(); } }, icon("cross"));
  const loaded = h("p", { class: "loaded", hidden: true }, name, other);
  const fault = h("p", { class: "fault", role: "alert" });
  const drawn = pathPart();
  const node = h("div", { class: "field program", "data-path": path },
    h("label", { for: "submit-program" }, t("program.title"), required && h("span", { class: "quiet", text: ` ${t("form.required")}` })),
    h("p", { class: "help", text: t("program.help") }), h("div", { class: "buttons" }, open, loaded), choose, text, fault, drawn.node);

  let turn = 0;
  let timer = null;
  function draw() {
    clearTimeout(timer);
    timer = setTimeout(() => { drawn.update(file ?? text.value); }, 250);
  }

  async function put(given) {
    const mine = (turn += 1);
    file = given;
    show(loaded, Boolean(given));
    show(text, true);
    if (!given) { text.value = ""; draw(); return; }
    setText(name, t("program.loaded", { name: given.name, size: count(Math.ceil(given.size / 1024)) }));
    const whole = given.size <= AS_TEXT;
    const shown = await given.slice(0, AS_TEXT).text();
    if (turn !== mine) return;
    text.value = whole ? shown : `${shown.slice(0, 4000)}\n…`;
    text.readOnly = !whole;
    draw();
  }
  choose.addEventListener("change", async () => { if (choose.files[0]) await put(choose.files[0]); choose.value = ""; onchange(); });
  text.addEventListener("input", () => { if (file) { file = null; show(loaded, false); } text.readOnly = false; draw(); });

  return {
    node,
    value() {
      fault.textContent = "";
      setAttribute(text, "aria-invalid", null);
      if (file) return file;
      if (text.value.trim() !== "") return text.value;
      if (!required) return undefined;
      if (!quiet()) { fault.textContent = t("form.required"); setAttribute(text, "aria-invalid", "true"); text.focus(); }
      throw new FieldError(t("form.required"));
    },
    fill(value) {
      turn += 1;
      if (value instanceof File) { put(value); return; }
      file = null;
      show(loaded, false);
      text.readOnly = false;
      text.value = Array.isArray(value) ? value.join("\n") : typeof value === "string" ? value : "";
      draw();
    },
  };
}

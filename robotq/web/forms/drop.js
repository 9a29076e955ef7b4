// A file that is dropped anywhere on the page, or chosen: a command as JSON, or a program.

import { h } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { tell } from "../base/ui.js";

const PROGRAM = /\.(nc|gcode|ngc|gco|tap|cnc)$/i;
const JSON_BYTES = 900000;
const PROGRAM_BYTES = 64 * 1024 * 1024;

const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** What a file holds: `{ command }`, `{ batch }` or `{ program }` (a File); null where it was told
 * that it is none of them. */
export async function readFile(file) {
  if (PROGRAM.test(file.name)) {
    if (file.size > PROGRAM_BYTES) { tell(t("drop.large", { name: file.name }), { bad: true }); return null; }
    return { program: file };
  }
  const looksLikeJson = /\.json$/i.test(file.name) || file.type === "application/json";
  if (!looksLikeJson) { tell(t("drop.none", { name: file.name }), { bad: true }); return null; }
  if (file.size > JSON_BYTES) { tell(t("drop.large", { name: file.name }), { bad: true }); return null; }
  let found;
  try { found = JSON.parse(await file.text()); } catch { tell(t("drop.json", { name: file.name }), { bad: true }); return null; }
  if (Array.isArray(found)) return { batch: found, name: file.name };
  const command = found?.cmd_type ? found : found?.data;
  if (typeof command?.cmd_type !== "string") { tell(t("drop.none", { name: file.name }), { bad: true }); return null; }
  return { command };
}

let end = () => {};

/** Take files that are dropped on the page; whoever asked before gets none any more. */
export function dropPart(take) {
  end();
  const node = h("div", { class: "drop-here", hidden: true }, h("p", { text: t("drop.here") }));
  const over = (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    node.hidden = false;
  };
  const leave = (event) => { if (!event.relatedTarget) node.hidden = true; };
  const drop = async (event) => {
    node.hidden = true;
    if (!hasFile(event)) return;
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    const found = file && await readFile(file);
    if (found) take(found);
  };
  const listeners = { dragover: over, dragenter: over, dragleave: leave, drop };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
  end = () => { for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener); };
  return { node };
}

// What a command was given and what it found, as tables: names beside values, lists of things as
// rows. What is deeper or longer than a table can say is shown as JSON.

import { h } from "../base/dom.js";
import { count, fieldName, t } from "../base/i18n.js";

const DEEPEST = 3;
const COLUMNS = 10;
const ROWS = 200;
const LONG = 4000;

const isThing = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isPlain = (value) => value === null || typeof value !== "object";
export const nice = fieldName;

function plainText(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  const text = String(value);
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text;
}

/** A value as something to read. */
export function valueNode(value, depth = 0) {
  if (isPlain(value)) return plainNode(value);
  if (depth >= DEEPEST) return h("pre", { text: JSON.stringify(value, null, 2).slice(0, 20000) });
  if (Array.isArray(value)) return listNode(value, depth);
  return pairsNode(value, depth);
}

function plainNode(value) {
  const text = plainText(value);
  return h("span", { class: text.includes("\n") ? "value lines" : "value", text });
}

function listNode(values, depth) {
  if (values.length === 0) return h("span", { class: "quiet", text: t("value.none") });
  if (values.every(isPlain) && values.length <= 12) return h("span", { class: "value", text: values.map(plainText).join(", ") });
  const shown = values.slice(0, ROWS);
  const names = [...new Set(shown.filter(isThing).flatMap(Object.keys))];
  const more = values.length > shown.length && h("p", { class: "quiet", text: t("value.more", { count: count(values.length - shown.length) }) });
  if (!shown.every(isThing) || names.length > COLUMNS) {
    return h("div", {}, h("ol", { class: "values" }, shown.map((one) => h("li", {}, valueNode(one, depth + 1)))), more);
  }
  return h("div", { class: "wide", tabindex: 0, role: "group", "aria-label": names.map(nice).join(", ") },
    h("table", { class: "plain-table values" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "#" }), names.map((name) => h("th", { scope: "col", text: nice(name) })))),
      h("tbody", {}, shown.map((one, index) => h("tr", {}, h("td", { class: "quiet", text: index + 1 }), names.map((name) => h("td", {}, valueNode(one[name], depth + 1))))))),
    more);
}

function pairsNode(value, depth) {
  const names = Object.keys(value);
  if (names.length === 0) return h("span", { class: "quiet", text: t("value.none") });
  return h("dl", { class: "pairs" }, names.slice(0, ROWS).map((name) =>
    h("div", {}, h("dt", { text: nice(name), title: name }), h("dd", {}, valueNode(value[name], depth + 1)))));
}

/** What lists of a result hold, in a few words: "bottles: 4". */
export function countsOf(result) {
  return Object.entries(result || {})
    .filter(([, value]) => Array.isArray(value))
    .map(([name, value]) => t("value.count", { name: nice(name), count: count(value.length) }));
}

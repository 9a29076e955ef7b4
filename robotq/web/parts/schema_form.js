// A form out of a JSON Schema: what schemas of commands and questions use. What is beyond that
// is entered as JSON, so that no command is out of reach.

import { h, icon, setAttribute } from "../base/dom.js";
import { aboutText, fieldName, t } from "../base/i18n.js";

let serial = 0;
let quiet = false; // read what is there without a word about what is missing
export const isQuiet = () => quiet;

// a choice between plain values is a plain value; anything else stays a choice
function plain(schema) {
  const options = schema.anyOf || schema.oneOf;
  if (!options || !options.every((one) => ["string", "integer", "number", "null"].includes(one.type) || "const" in one)) return schema;
  const { anyOf, oneOf, ...rest } = schema;
  if (options.every((one) => "const" in one)) return { ...rest, enum: options.map((one) => one.const) };
  return { ...rest, type: options.map((one) => one.type ?? "string"), hints: options.flatMap((one) => ("const" in one ? [one.const] : [])) };
}

const typesOf = (schema) => [schema.type ?? (schema.properties ? "object" : schema.enum || "const" in schema ? "enum" : "any")].flat();

/**
 * The form of `schema`: `{node, value(), fill(value), fault(path, reason)}`. `value` throws a
 * FieldError that has been shown at its field.
 */
export function formOf(schema, { skip = [], name = "", onchange = () => {}, special = () => null } = {}) {
  const field = objectField(objectOf(schema), { skip, name, path: name, special });
  field.node.addEventListener("input", onchange);
  field.node.addEventListener("change", onchange);
  return {
    node: field.node,
    empty: field.empty,
    value: () => field.value() ?? {},
    /** The value so far; null where it is not complete. Says nothing about it. */
    attempt() {
      quiet = true;
      try { return field.value() ?? {}; } catch (error) { if (error instanceof FieldError) return null; throw error; } finally { quiet = false; }
    },
    /** What is filled in, whether or not it is complete. */
    filled() {
      quiet = true;
      try { return field.filled(); } finally { quiet = false; }
    },
    focus: () => field.node.querySelector("input, select, textarea")?.focus(),
    fill: (value) => field.fill(value),
    fault: (path, reason) => showFault(field.node, path, reason),
  };
}

export class FieldError extends Error {}

const objectOf = (schema) => (typesOf(schema).includes("object") || schema.properties ? schema : { ...schema, properties: {} });

function showFault(root, path, reason) {
  const fields = [...root.querySelectorAll("[data-path]")];
  const fitting = fields.filter((node) => path === node.dataset.path || path.startsWith(`${node.dataset.path}.`));
  const node = fitting.sort((a, b) => b.dataset.path.length - a.dataset.path.length)[0];
  if (!node) return false;
  const note = node.querySelector(":scope > .fault");
  note.textContent = reason;
  const input = node.querySelector("input, select, textarea");
  if (input) { setAttribute(input, "aria-invalid", "true"); input.focus(); }
  return true;
}

function fieldOf(given, options) {
  const schema = plain(given);
  const types = typesOf(schema);
  if ("const" in schema) return choiceField({ ...schema, enum: [schema.const] }, options);
  if (schema.enum) return choiceField(schema, options);
  if (types.includes("object") && schema.properties) return objectField(schema, { ...options, nested: true });
  if (types.includes("array") && schema.items && !Array.isArray(schema.items)) return arrayField(schema, options);
  if (types.length === 1 && types[0] === "boolean") return booleanField(schema, options);
  if (types.every((type) => ["integer", "number"].includes(type))) return numberField(schema, options);
  if (types.every((type) => ["string", "integer", "number", "null"].includes(type))) return textField(schema, options, types);
  return jsonField(schema, options);
}

function objectField(schema, { skip = [], name = "", path = "", nested = false, required = true, special = () => null }) {
  const needed = new Set(schema.required || []);
  const fields = Object.entries(schema.properties || {})
    .filter(([key]) => !skip.includes(key))
    .map(([key, part]) => {
      const options = { name: key, path: path ? `${path}.${key}` : key, required: needed.has(key) };
      return [key, special(key, options) ?? fieldOf(part, options)];
    });
  const node = nested
    ? h("fieldset", { "data-path": path }, h("legend", { text: fieldName(name) }), describe(schema), fields.map(([, field]) => field.node), fault())
    : h("div", { class: "fields", "data-path": path }, fields.map(([, field]) => field.node), fault());
  return {
    node,
    empty: fields.length === 0,
    value() {
      const value = {};
      for (const [key, field] of fields) {
        const part = field.value();
        if (part !== undefined) value[key] = part;
      }
      return nested && !required && Object.keys(value).length === 0 ? undefined : value;
    },
    filled() {
      const value = {};
      for (const [key, field] of fields) {
        let part;
        try { part = field.value(); } catch (error) { if (!(error instanceof FieldError)) throw error; }
        if (part !== undefined) value[key] = part;
      }
      return value;
    },
    fill(value) { for (const [key, field] of fields) field.fill(value?.[key]); },
  };
}

const fault = () => h("p", { class: "fault", role: "alert" });
// `words in backticks` are what to type
const describe = (schema) => schema.description && h("p", { class: "help" },
  aboutText(schema.description).split("`").map((part, index) => (index % 2 ? h("code", { text: part }) : part)));

function labelled(schema, { name, path, required }, input, { before = null } = {}) {
  const id = `field-${(serial += 1)}`;
  input.id = id;
  if (required) input.setAttribute("aria-required", "true");
  return h("div", { class: "field", "data-path": path },
    before,
    h("label", { for: id }, fieldName(name), required && h("span", { class: "quiet", text: ` ${t("form.required")}` })),
    describe(schema), input, fault());
}

function refuse(node, reason) {
  if (quiet) throw new FieldError(reason);
  node.querySelector(":scope > .fault").textContent = reason;
  const input = node.querySelector("input, select, textarea");
  input?.setAttribute("aria-invalid", "true");
  input?.focus();
  throw new FieldError(reason);
}

function accept(node) {
  if (quiet) return;
  node.querySelector(":scope > .fault").textContent = "";
  node.querySelector("input, select, textarea")?.removeAttribute("aria-invalid");
}

function choiceField(schema, options) {
  const values = schema.enum;
  const input = h("select", {},
    (!options.required || schema.default === undefined) && h("option", { value: "", text: t("form.choose") }),
    values.map((value, index) => h("option", { value: String(index), text: String(value) })));
  const preset = (value) => { const at = values.indexOf(value); input.value = at < 0 ? "" : String(at); };
  preset(schema.default ?? (options.required && values.length === 1 ? values[0] : undefined));
  const node = labelled(schema, options, input);
  return {
    node,
    value() {
      accept(node);
      if (input.value === "") return options.required ? refuse(node, t("form.required")) : undefined;
      return values[Number(input.value)];
    },
    fill: (value) => preset(value ?? schema.default),
  };
}

function booleanField(schema, options) {
  const input = h("input", { type: "checkbox" });
  input.checked = schema.default === true;
  const node = labelled(schema, { ...options, required: false }, input);
  node.classList.add("tick");
  return { node, value: () => (input.checked || options.required || schema.default !== undefined ? input.checked : undefined), fill: (value) => { input.checked = value ?? schema.default ?? false; } };
}

function inputField(schema, options, input, parse) {
  const preset = (value) => { input.value = value === undefined || value === null ? "" : String(value); };
  preset(schema.default);
  const node = labelled(schema, options, input);
  return {
    node,
    value() {
      accept(node);
      if (input.value.trim() === "") return options.required ? refuse(node, t("form.required")) : undefined;
      if (!input.checkValidity()) return refuse(node, input.validationMessage);
      return parse(input.value.trim(), node);
    },
    fill: (value) => preset(value ?? schema.default),
  };
}

function numberField(schema, options) {
  const whole = typesOf(schema).every((type) => type === "integer");
  const input = h("input", { type: "number", step: whole ? "1" : "any", min: schema.minimum, max: schema.maximum, inputmode: whole ? "numeric" : "decimal" });
  return inputField(schema, options, input, Number);
}

function textField(schema, options, types) {
  const input = h("input", { type: "text", minlength: schema.minLength, maxlength: schema.maxLength, autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const numeric = types.includes("number") || types.includes("integer");
  return inputField(schema, options, input, (text) => (numeric && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text));
}

function jsonField(schema, options) {
  const input = h("textarea", { rows: 3, spellcheck: "false", class: "mono" });
  const field = inputField(schema, options, input, (text, node) => {
    try { return JSON.parse(text); } catch { return refuse(node, t("form.json")); }
  });
  return { ...field, fill: (value) => { input.value = value === undefined ? "" : JSON.stringify(value, null, 2); } };
}

function arrayField(schema, { name, path, required }) {
  const box = h("div", { class: "items" });
  let rows = [];
  const number = () => rows.forEach((row, index) => {
    row.node.querySelector(".item-name").textContent = t("form.item", { name: fieldName(name), number: index + 1 });
  });
  const add = (value) => {
    const field = fieldOf(schema.items, { name, path: `${path}.${rows.length}`, required: true });
    if (value !== undefined) field.fill(value);
    const row = { field };
    row.node = h("div", { class: "item" },
      h("div", { class: "item-head" }, h("span", { class: "item-name quiet" }),
        h("button", { type: "button", class: "plain small", "aria-label": t("form.remove"), onclick: () => { rows = rows.filter((other) => other !== row); row.node.remove(); number(); box.dispatchEvent(new Event("change", { bubbles: true })); } }, icon("cross"))),
      field.node);
    rows.push(row);
    box.append(row.node);
    number();
  };
  const node = h("fieldset", { "data-path": path },
    h("legend", {}, fieldName(name), required && h("span", { class: "quiet", text: ` ${t("form.required")}` })),
    describe(schema), box,
    h("button", { type: "button", class: "small", onclick: () => { add(); box.dispatchEvent(new Event("change", { bubbles: true })); }, text: t("form.add") }), fault());
  const least = required ? Math.max(1, schema.minItems || 0) : 0;
  for (let index = 0; index < least; index += 1) add();
  return {
    node,
    value: () => (rows.length || required ? rows.map((row) => row.field.value()) : undefined),
    fill(value) {
      rows = [];
      box.replaceChildren();
      for (const part of Array.isArray(value) ? value : Array(least).fill(undefined)) add(part);
    },
  };
}

"use strict";
// Shows openapi.json. Text of the daemon only ever becomes text of a node, never markup.

const $ = (id) => document.getElementById(id);
let api = null;
let shown = null;

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const spans = (line) =>
  line.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));

// `words in backticks` as code, lines that begin with "- " as a list
function prose(text) {
  const lines = (text || "").split("\n");
  const items = lines.filter((line) => line.startsWith("- "));
  const others = lines.filter((line) => line && !line.startsWith("- "));
  const list = items.map((line) => make("li", {}, ...spans(line.slice(2))));
  return make("div", {}, ...others.map((line) => make("p", {}, ...spans(line))),
    list.length ? make("ul", {}, ...list) : null);
}

// ---- schemas

const named = (ref) => ref.split("/").slice(2).reduce((at, part) => at[part], api.components);
const resolved = (thing) =>
  thing && thing.$ref ? { ...named(thing.$ref), ...without(thing) } : thing;
const without = ({ $ref, ...rest }) => rest;
const nameOf = (ref) => ref.split("/").pop();
const choices = (schema) => schema.anyOf || schema.oneOf;

function typeOf(schema) {
  if (schema.$ref) return nameOf(schema.$ref);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (choices(schema)) return choices(schema).map(typeOf).join(" | ");
  const types = [schema.type || "anything"].flat().map((type) =>
    type === "array" && schema.items ? `list of ${typeOf(schema.items)}` : type);
  return types.join(" | ");
}

function limitsOf(schema) {
  const words = {
    minimum: "at least", maximum: "at most", exclusiveMinimum: "above", exclusiveMaximum: "below",
    minLength: "characters, at least", maxLength: "characters, at most",
    minItems: "entries, at least", maxItems: "entries, at most", pattern: "like",
    default: "default",
  };
  return Object.entries(words)
    .filter(([key]) => schema[key] !== undefined)
    .map(([key, word]) => `${word} ${JSON.stringify(schema[key])}`).join(", ");
}

// the parts of a schema that have a page of their own; each is shown when somebody opens it
function referencesIn(schema) {
  if (schema.$ref) return [schema.$ref];
  const inner = [...(choices(schema) || []), schema.items, schema.additionalProperties];
  return inner.filter((part) => part && typeof part === "object").flatMap(referencesIn);
}

function reference(ref) {
  const details = make("details", { class: "schema" }, make("summary", {}, nameOf(ref)));
  details.addEventListener("toggle", () => details.append(schemaView(named(ref))),
    { once: true });
  return details;
}

function schemaView(schema) {
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([name, rule]) =>
    make("tr", {},
      make("th", {}, make("code", {}, name), required.has(name) ? " *" : ""),
      make("td", {}, make("code", {}, typeOf(rule)),
        make("div", { class: "quiet" }, limitsOf(rule)), prose(rule.description),
        ...referencesIn(rule).map(reference),
        rule.properties ? schemaView(rule) : null)));
  return make("div", {}, prose(schema.description),
    rows.length ? make("table", {}, make("tbody", {}, ...rows)) : make("code", {}, typeOf(schema)),
    make("span", { class: "quiet" }, rows.length ? "" : limitsOf(schema)),
    ...(rows.length ? [] : referencesIn(schema).map(reference)));
}

const openSchema = (schema) =>
  schema.$ref && !choices(resolved(schema)) ? schemaView({ ...resolved(schema) }) : schemaView(resolved(schema));

// ---- one route

const isSuccess = (status) => status.startsWith("2");
const streams = (operation) => Object.entries(operation.responses).some(([status, answer]) =>
  isSuccess(status) && answer.content?.["text/event-stream"]);

function operationView(method, path, operation) {
  const body = make("div");
  const details = make("details", { class: "operation", id: operation.operationId },
    make("summary", {},
      make("span", { class: `method ${method}` }, method.toUpperCase()),
      make("span", { class: "path" }, path),
      make("span", { class: "summary" }, ...spans(operation.summary))),
    body);
  details.addEventListener("toggle", () => {
    body.append(prose(operation.description), ...parametersView(operation),
      ...requestView(operation), ...answersView(operation), tryView(method, path, operation));
  }, { once: true });
  return details;
}

function parametersView(operation) {
  const rows = (operation.parameters || []).map((parameter) =>
    make("tr", {},
      make("th", {}, make("code", {}, parameter.name), parameter.required ? " *" : ""),
      make("td", { class: "quiet" }, parameter.in),
      make("td", {}, make("code", {}, typeOf(resolved(parameter.schema))),
        make("div", { class: "quiet" }, limitsOf(resolved(parameter.schema))),
        prose(parameter.description))));
  return rows.length
    ? [make("h3", {}, "Parameters"), make("table", {}, make("tbody", {}, ...rows))] : [];
}

function requestView(operation) {
  const request = operation.requestBody;
  if (!request) return [];
  return [make("h3", {}, "Body"), prose(request.description),
    openSchema(request.content["application/json"].schema)];
}

function answersView(operation) {
  const views = Object.entries(operation.responses).map(([status, found]) => {
    const answer = resolved(found);
    const [type, content] = Object.entries(answer.content || {})[0] || ["no body", null];
    const details = make("details", { class: "answer" },
      make("summary", {}, make("code", {}, status), " ",
        isSuccess(status) ? type : answer.description.match(/`\w+`/g)?.join(" ").replaceAll("`", "") || ""));
    details.addEventListener("toggle", () => {
      details.append(isSuccess(status) ? "" : prose(answer.description),
        content ? openSchema(content.schema) : "");
    }, { once: true });
    return details;
  });
  return [make("h3", {}, "Answers"), ...views];
}

// ---- try it

function inputFor(parameter) {
  const schema = resolved(parameter.schema);
  const values = schema.enum || (schema.type === "boolean" ? ["true", "false"] : null);
  const attributes = { "data-name": parameter.name, "data-in": parameter.in };
  if (values) {
    const options = [parameter.required ? null : make("option", { value: "" }, ""),
      ...values.map((value) => make("option", { value }, String(value)))];
    return make("select", attributes, ...options.filter((option) => option));
  }
  return make("input", { ...attributes, placeholder: schema.examples ? schema.examples[0] : "" });
}

function tryView(method, path, operation) {
  const form = make("form", { class: "try" });
  for (const parameter of operation.parameters || []) {
    const input = inputFor(parameter);
    form.append(make("label", { class: "field" }, make("code", {}, parameter.name), input));
  }
  if (operation.requestBody) form.append(...bodyFields(operation));
  const curl = make("pre");
  const answer = make("pre", { hidden: "", "aria-live": "polite" });
  const asked = () => request(method, path, form);
  const refresh = () => { curl.textContent = curlLine(asked()); };
  let underWay = new AbortController();
  const stop = () => { underWay.abort(); underWay = new AbortController(); };
  form.append(make("div", { class: "buttons" },
    make("button", {}, "Send"),
    make("button", { type: "button", onclick: () => navigator.clipboard?.writeText(curl.textContent) },
      "Copy the curl line"),
    streams(operation)
      ? make("button", { type: "button", onclick: stop }, "Stop listening") : null,
    method === "get" ? null : make("span", { class: "quiet" }, "This really does it.")), curl, answer);
  form.addEventListener("input", refresh);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    stop();
    send(asked(), answer, underWay.signal);
  });
  refresh();
  return make("section", {}, make("h3", {}, "Try it"), form);
}

function bodyFields(operation) {
  const schema = resolved(operation.requestBody.content["application/json"].schema);
  const text = make("textarea", { "data-in": "body", spellcheck: "false", "aria-label": "Body" });
  const examples = schema.examples || [];
  const show = (example) => { text.value = JSON.stringify(example, null, 2); };
  if (!examples.length) { text.value = "{}"; return [text]; }
  show(examples[0]);
  const pick = make("select", { oninput: () => show(examples[pick.selectedIndex]) },
    ...examples.map((example) => make("option", {}, example.cmd_type)));
  return [make("label", { class: "field" }, "Example", pick), text];
}

function request(method, path, form) {
  const query = new URLSearchParams();
  const headers = {};
  let body;
  for (const input of form.querySelectorAll("[data-in]")) {
    const { name, in: where } = input.dataset;
    if (where === "body") body = input.value;
    else if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value !== "" && where === "query") query.set(name, input.value);
    else if (input.value !== "") headers[name] = input.value;
  }
  const base = new URL(".", location.href).href.replace(/\/$/, "");
  const url = base + path + (query.size ? `?${query}` : "");
  if ($("key").value) headers.Authorization = `Bearer ${$("key").value}`;
  return { method: method.toUpperCase(), url, headers, body };
}

function curlLine({ method, url, headers, body }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = ["curl", ...(method === "GET" ? [] : ["-X", method]), quoted(url)];
  for (const [name, value] of Object.entries(headers)) {
    // the key itself stays out of what people paste elsewhere
    parts.push("-H", name === "Authorization" ? '"Authorization: Bearer $ROBOTQ_KEY"' : quoted(`${name}: ${value}`));
  }
  if (body !== undefined) parts.push("-d", quoted(body));
  return parts.join(" ");
}

const MOST_SHOWN = 200000;

async function send({ method, url, headers, body }, answer, signal) {
  answer.hidden = false;
  answer.classList.remove("bad");
  answer.textContent = "…";
  try {
    const response = await fetch(url, { method, headers, body, cache: "no-store", signal });
    answer.classList.toggle("bad", !response.ok);
    answer.textContent = `${response.status} ${response.statusText}\n\n`;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      answer.textContent = (answer.textContent + part.value).slice(-MOST_SHOWN);
    }
    const [head, ...rest] = answer.textContent.split("\n\n");
    try {
      answer.textContent = `${head}\n\n${JSON.stringify(JSON.parse(rest.join("\n\n")), null, 2)}`;
    } catch { /* not JSON: shown as it came */ }
  } catch (error) {
    if (error.name === "AbortError") return;
    answer.classList.add("bad");
    answer.textContent = String(error);
  }
}

// ---- the page

// the address of this page without its own part: where the interface stands
const place = () => new URL(".", location.href).pathname.slice(0, -1);

// what the other interfaces have in common with this one is the address of the daemon
function choicesView() {
  const [{ url }] = api.servers;
  const own = url === "/" ? "" : url;
  const root = place().slice(0, place().length - own.length);
  const links = (api["x-interfaces"] || []).map(({ name, prefix }) =>
    make("a", {
      href: `${root}${prefix}/docs`, "aria-current": prefix === own ? "page" : null,
      onclick: choose,
    }, name.replaceAll("_", " ")));
  return links.length > 1 ? links : [];
}

// shown in place, so that a key has to be given only once
function choose(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (event.currentTarget.pathname === location.pathname) return;
  history.pushState(null, "", event.currentTarget.href);
  load();
}

function show() {
  document.title = `${api.info.title}: the interface`;
  $("interfaces").replaceChildren(...choicesView());
  $("title").textContent = `${api.info.title} ${api.info.version}`;
  $("about").replaceWith(Object.assign(prose(api.info.description), { id: "about" }));
  $("contents").replaceChildren();
  $("paths").replaceChildren();
  for (const { name } of api.tags) {
    $("contents").append(make("h2", {}, name));
    $("paths").append(make("h2", {}, name));
    for (const [path, operations] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        if (!operation.tags.includes(name)) continue;
        $("contents").append(make("a", { href: `#${operation.operationId}` },
          `${method.toUpperCase()} ${path}`));
        $("paths").append(operationView(method, path, operation));
      }
    }
  }
  $("paths").removeAttribute("aria-busy");
  openAddressed();
}

function openAddressed() {
  const target = location.hash && $(decodeURIComponent(location.hash.slice(1)));
  if (target) { target.open = true; target.scrollIntoView(); }
}

// each interface has its own form of errors
const told = (answer) => answer.message ?? answer.error?.message ?? answer.error;

async function load() {
  const key = $("key").value;
  const of = place();
  try {
    const response = await fetch("openapi.json", key ? { headers: { Authorization: `Bearer ${key}` } } : {});
    const answer = await response.json();
    // somebody has chosen another one meanwhile
    if (of !== place()) return;
    if (!response.ok) throw new Error(told(answer));
    api = answer;
    shown = of;
    show();
  } catch (error) {
    $("about").replaceChildren(make("span", { class: "bad" }, error.message));
  }
}

$("access").addEventListener("submit", (event) => { event.preventDefault(); load(); });
window.addEventListener("hashchange", openAddressed);
window.addEventListener("popstate", () => { if (shown !== place()) load(); });
load();

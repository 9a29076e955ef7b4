// A new command: the form is made from the command's schema.

import { freshKey, post, Refused } from "../base/api.js";
import { h, icon, setText, show } from "../base/dom.js";
import { t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { FieldError, formOf } from "../parts/schema_form.js";
import { copy, reasonOf } from "../base/ui.js";

const KINDS = ["queued", "control", "query", "input"];

export function submitView() {
  let spec = null;
  let fields = null;
  let key = freshKey();
  let made = "";
  const pick = h("select", { id: "submit-command" });
  const robot = h("select", { id: "submit-robot" });
  const own = h("input", { id: "submit-own", type: "text", maxlength: 200, autocomplete: "off", spellcheck: "false" });
  const priority = h("select", { id: "submit-priority" }, [["low", "submit.low"], ["normal", "submit.normal"], ["high", "submit.high"]].map(([value, word]) => h("option", { value, text: t(word), selected: value === "normal" })));
  const priorityField = h("div", { class: "field" }, h("label", { for: "submit-priority", text: t("submit.priority") }), priority);
  const box = h("div", {});
  const none = h("p", { class: "quiet", text: t("submit.none") });
  const send = h("button", { class: "primary big" });
  const example = h("button", { type: "button", text: t("submit.example"), onclick: () => { fill(spec.example?.params); changed(); } });
  const note = h("p", { class: "fault", role: "alert" });
  const answer = h("div", { class: "answer", role: "status" });
  const curl = h("pre", { tabindex: 0, "aria-label": t("submit.curl") });
  const form = h("form", { class: "card submit", novalidate: true },
    h("div", { class: "two" },
      h("div", { class: "field" }, h("label", { for: "submit-command", text: t("command") }), pick),
      h("div", { class: "field" }, h("label", { for: "submit-robot", text: t("robot") }), robot)),
    h("fieldset", {}, h("legend", { text: t("submit.params") }), none, box),
    h("div", { class: "two" }, h("div", { class: "field" }, h("label", { for: "submit-own", text: t("submit.cmd_id") }), own), priorityField),
    note, h("div", { class: "buttons" }, send, example), answer);
  const node = h("div", { class: "narrow" }, h("h1", { text: t("submit.title") }), form,
    h("section", { class: "card" }, h("h3", {}, h("span", { text: t("submit.curl") }), h("button", { type: "button", class: "small", onclick: () => copy(curl.textContent) }, icon("copy"), h("span", { text: t("submit.copy") }))), curl));

  function options() {
    const specs = [...live.specs.values()];
    const text = specs.map((one) => one.cmd_type).join();
    if (text === made) return;
    made = text;
    const before = pick.value;
    pick.replaceChildren(...KINDS.map((kind) => h("optgroup", { label: t(`kind.${kind}`) },
      specs.filter((one) => one.kind === kind).map((one) => h("option", { value: one.cmd_type, text: `${titleOf(live.specs, one.cmd_type)} · ${one.cmd_type}` })))).filter((group) => group.children.length));
    if (before && live.specs.has(before)) pick.value = before;
    choose();
  }

  function choose() {
    spec = live.specs.get(pick.value);
    if (!spec) return;
    const wasRobot = robot.value;
    robot.replaceChildren(...spec.robots.map((name) => h("option", { value: name, text: name })));
    const standard = live.look?.robots.find((one) => one.default)?.robot_id;
    if (spec.robots.includes(wasRobot)) robot.value = wasRobot;
    else if (spec.robots.includes(standard)) robot.value = standard;
    fields = formOf(spec.schema, { skip: ["robot_id"], name: "params", onchange: changed });
    box.replaceChildren(fields.node);
    show(none, fields.empty);
    show(example, !fields.empty && spec.example?.params !== undefined);
    show(priorityField, spec.kind === "queued");
    setText(note, "");
    answer.replaceChildren();
    send.replaceChildren(icon("play"), h("span", { text: t(spec.kind === "queued" ? "submit.send" : "submit.now") }));
    send.disabled = !live.may("submit");
    changed();
  }

  function fill(params) { fields.fill(params && !Array.isArray(params) ? params : {}); }

  function command(params) {
    const body = { cmd_type: spec.cmd_type, params: robot.value && !Array.isArray(params) ? { ...params, robot_id: robot.value } : params };
    if (own.value.trim()) body.cmd_id = own.value.trim();
    if (spec.kind === "queued" && priority.value !== "normal") body.priority = priority.value;
    return body;
  }

  function changed() {
    key = freshKey();
    const params = fields.attempt();
    setText(curl, curlLine(command(params ?? spec.example?.params ?? {})));
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.getAttribute("aria-busy") === "true") return;
    setText(note, "");
    let body;
    try { body = command(fields.value()); } catch (error) { if (error instanceof FieldError) return; throw error; }
    send.setAttribute("aria-busy", "true");
    try {
      const found = await post("./", body, { headers: { "Idempotency-Key": key, Prefer: "respond-async" }, timeoutMs: 30000 });
      key = freshKey();
      answer.replaceChildren(found.task_id
        ? h("p", { class: "good" }, icon("check"), h("span", { text: ` ${t("submit.accepted")}: ` }), h("a", { href: `#task/${found.task_id}`, text: found.task_id }))
        : h("div", {}, h("h3", { text: t("submit.answer") }), h("pre", { tabindex: 0, text: JSON.stringify(found, null, 2) })));
      live.refresh();
    } catch (error) {
      const field = error instanceof Refused && error.body.field ? String(error.body.field) : "";
      if (!field || !fields.fault(field, error.message)) setText(note, reasonOf(error));
    } finally {
      send.removeAttribute("aria-busy");
    }
  });
  pick.addEventListener("change", choose);
  for (const input of [robot, own, priority]) input.addEventListener("input", changed);
  return { node, update: options, open: options };
}

function curlLine(body) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const key = live.look?.you.keys ? ' -H "Authorization: Bearer $ROBOTQ_KEY"' : "";
  return `curl${key} -d ${quoted(JSON.stringify(body))} ${quoted(new URL("./", location.href.split("#")[0]).href)}`;
}

// A new command: chosen from a list, filled in by a form that is made from its schema, tried, and
// given now, at a time, or every day.

import { ask, freshKey, get, post, Refused, task as taskPath, withQuery } from "../base/api.js";
import { h, icon, setAttribute, setText, show } from "../base/dom.js";
import { clock, count, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { act, button, copy, reasonOf, tell } from "../base/ui.js";
import { curlLine } from "../forms/command_line.js";
import { dryNode } from "../forms/dry.js";
import { dropPart } from "../forms/drop.js";
import { favouriteTitle } from "../forms/favourites.js";
import { favourites, isKept, toggleFavourite, usedNow } from "../forms/kept.js";
import { refusalNode } from "../forms/outlook.js";
import { pickerPart } from "../forms/picker.js";
import { programField } from "../forms/program_field.js";
import { repeatsPart } from "../forms/repeats.js";
import { schedulePart } from "../forms/schedule.js";
import { FieldError, formOf, isQuiet } from "../parts/schema_form.js";

const PROGRAM = "program";
const TIMEOUT_MS = 120000; // a long program is read before it is taken
const AGAIN_BYTES = 4 * 1024 * 1024;

export function submitView() {
  let spec = null;
  let fields = null;
  let key = freshKey();
  let made = "";
  let facts = null;
  let asking = null;
  let batch = null;
  const able = (cmdType) => {
    const listed = live.specs.get(cmdType)?.robots ?? [];
    return facts === null ? listed : listed.filter((name) => facts.robots[name]?.commands.includes(cmdType));
  };
  const picker = pickerPart({ pick: (cmdType) => choose(cmdType), take, robotChanged: () => { if (spec && !able(spec.cmd_type).includes(picker.robot() || robot.value)) clearForm(); else if (spec && picker.robot()) { robot.value = picker.robot(); robotChosen(); } }, able });
  const repeats = repeatsPart();
  const schedule = schedulePart({ changed: () => changed(), clockOfDaemon: () => repeats.clockText() });
  const title = h("h2", { id: "submit-title", tabindex: -1 });
  const robot = h("select", { id: "submit-robot" });
  const own = h("input", { id: "submit-own", type: "text", maxlength: 200, autocomplete: "off", spellcheck: "false" });
  const ownField = h("div", { class: "field" }, h("label", { for: "submit-own", text: t("submit.cmd_id") }), own);
  const again = h("p", { class: "quiet", hidden: true });
  const box = h("div", {});
  const none = h("p", { class: "quiet", text: t("submit.none") });
  // their words change while they are pressed: what is pressed has to stay, or it is no click
  const sendText = h("span", {});
  const send = h("button", { class: "primary big" }, icon("play"), sendText);
  const starText = h("span", {});
  const dry = button(t("form.dry"), () => tryIt(), { symbol: "ask" });
  const star = h("button", { type: "button", onclick: () => keepIt() }, icon("star"), starText);
  const example = h("button", { type: "button", text: t("submit.example"), onclick: () => { fill(spec.example?.params); changed(); } });
  const note = h("p", { class: "fault", role: "alert" });
  const answer = h("div", { class: "answer", role: "status" });
  const curl = h("pre", { tabindex: 0, "aria-label": t("submit.curl") });
  const curlNote = h("p", { class: "quiet" });
  const copyLine = h("button", { type: "button", class: "small", onclick: () => copy(curl.textContent) }, icon("copy"), h("span", { text: t("submit.copy") }));
  const form = h("form", { class: "card submit", novalidate: true, "aria-labelledby": "submit-title", hidden: true },
    h("div", { class: "submit-head" }, title, star), again,
    h("div", { class: "two" }, h("div", { class: "field" }, h("label", { for: "submit-robot", text: t("robot") }), robot), ownField),
    h("fieldset", {}, h("legend", { text: t("submit.params") }), none, box),
    schedule.node, note, h("div", { class: "buttons" }, send, dry, example), answer);
  const empty = h("div", { class: "card empty" }, h("p", { class: "quiet", text: t("form.pick") }));
  const line = h("section", { class: "card", hidden: true }, h("h3", {}, h("span", { text: t("submit.curl") }), copyLine), curlNote, curl);
  const dropped = h("section", { class: "card dropped", hidden: true });
  const drop = dropPart(takeFile);
  const node = h("div", { class: "new-command" }, h("h1", { text: t("submit.title") }),
    h("div", { class: "command-columns" }, picker.node, h("div", { class: "command-form" }, dropped, empty, form, line, repeats.node)));
  document.body.append(drop.node);

  /** Whoever asks while it is asked already waits for the same answer. */
  function readFacts() {
    asking ??= get("dashboard/form").then(takeFacts, () => {}).finally(() => { asking = null; });
    return asking;
  }

  function takeFacts(found) {
    const first = facts === null;
    facts = found;
    picker.robots(Object.keys(facts.robots));
    picker.draw();
    if (!spec || form.hidden) return;
    picker.select(spec.cmd_type);
    choiceOfRobot(robot.value);
    // places are choices from now on
    if (first) robotChosen();
  }

  function options() {
    // a file dropped on another view needs a place on the page
    if (!drop.node.isConnected) document.body.append(drop.node);
    const text = [...live.specs.values()].map((one) => JSON.stringify([one.cmd_type, one.schema, one.robots])).join();
    if (text === made) return;
    made = text;
    picker.draw();
    readFacts();
    if (spec && !live.specs.has(spec.cmd_type)) clearForm();
  }

  function clearForm() {
    spec = null;
    for (const part of [form, line]) show(part, false);
    show(empty, true);
    picker.select("");
  }

  /** Which robot a command gets where a person has chosen none: as the daemon would choose. */
  function robotOf(names) {
    const standard = live.look?.robots.find((one) => one.default)?.robot_id;
    return picker.robot() && names.includes(picker.robot()) ? picker.robot() : names.includes(standard) ? standard : names[0] ?? "";
  }

  function choiceOfRobot(wanted) {
    const names = able(spec.cmd_type);
    robot.replaceChildren(...names.map((name) => h("option", { value: name, text: name })));
    robot.value = wanted && names.includes(wanted) ? wanted : robotOf(names);
    setText(note, names.length ? "" : t("form.nobody"));
  }

  /** Show the form of a command. Nothing that was chosen for another one is kept. */
  function choose(cmdType, { robotId = "", params = null, from = null } = {}) {
    const found = live.specs.get(cmdType);
    if (!found) { tell(t("drop.unknown", { name: cmdType }), { bad: true }); return; }
    spec = found;
    for (const [part, shown] of [[form, true], [line, true], [empty, false], [dropped, false]]) show(part, shown);
    setText(title, titleOf(live.specs, cmdType));
    title.title = cmdType;
    own.value = "";
    schedule.reset();
    schedule.allow(spec.kind === "queued");
    choiceOfRobot(robotId);
    makeFields(params);
    show(example, !fields.empty && spec.example?.params !== undefined);
    show(dry, spec.kind === "queued");
    show(again, Boolean(from));
    setText(again, from ? t("form.again", { title: from }) : "");
    answer.replaceChildren();
    picker.select(cmdType);
    changed();
    form.scrollIntoView({ block: "nearest" });
    title.focus({ preventScroll: true });
  }

  function makeFields(params) {
    fields = formOf(withPlaces(spec, robot.value), {
      skip: ["robot_id"], name: "params", onchange: changed,
      special: (name, options) => (name === PROGRAM && takesProgram() ? programField(options, { quiet: isQuiet, onchange: changed }) : null),
    });
    box.replaceChildren(fields.node);
    if (params) fields.fill(params);
    show(none, fields.empty);
  }

  const takesProgram = () => facts === null || Object.values(facts.robots).some((one) => one.programs.includes(spec.cmd_type));

  /** The schema with the places of this robot as choices, where a parameter names one. */
  function withPlaces(of, name) {
    const places = facts?.robots[name]?.places;
    const named = (of.resources ?? []).flatMap((one) => [...one.matchAll(/\{(\w+)\}/g)].map((found) => found[1]));
    const properties = { ...of.schema.properties };
    for (const parameter of named) {
      const rule = properties[parameter];
      if (places?.length && rule?.type === "string" && !rule.enum) properties[parameter] = { ...rule, enum: places };
    }
    return { ...of.schema, properties };
  }

  function robotChosen() {
    const before = fields.filled();
    makeFields(before);
    changed();
  }

  function fill(params) { fields.fill(params && !Array.isArray(params) ? params : {}); }

  function command(params) {
    const body = { cmd_type: spec.cmd_type, params };
    if (robot.value) body.robot_id = robot.value;
    if (own.value.trim()) body.cmd_id = own.value.trim();
    return spec.kind === "queued" ? { ...body, ...schedule.keys() } : body;
  }

  /** What is sent: JSON, a repeat, or a file that is a program. Throws FieldError. */
  async function requestOf(params, { dryRun = false } = {}) {
    const file = params[PROGRAM] instanceof File ? params[PROGRAM] : null;
    const { robot_id: robotId, params: _, ...body } = command({});
    const rest = Object.keys(params).filter((name) => name !== PROGRAM);
    if (schedule.daily() && !dryRun) {
      const given = file ? { ...params, [PROGRAM]: await file.text() } : params;
      return { path: "./repeats", body: { ...schedule.repeat(), command: command(given) } };
    }
    if (file && rest.length === 0) {
      return { path: withQuery("./", { ...body, robot_id: robotId, dry_run: dryRun ? 1 : "" }), file };
    }
    const given = file ? { ...params, [PROGRAM]: await file.text() } : params;
    return { path: dryRun ? "./?dry_run=1" : "./", body: command(given) };
  }

  function changed() {
    if (!spec) return;
    key = freshKey();
    setText(note, able(spec.cmd_type).length ? "" : t("form.nobody"));
    setText(sendText, t(schedule.daily() ? "form.daily" : spec.kind === "queued" ? "submit.send" : "submit.now"));
    send.disabled = !live.may(spec.kind === "control" ? "control" : "submit") || able(spec.cmd_type).length === 0;
    const params = schedule.missing() ? null : fields.attempt();
    showStar(params);
    showLine(params);
  }

  let lineTurn = 0;
  async function showLine(params) {
    const turn = (lineTurn += 1);
    const request = params === null ? null : await requestOf(params);
    if (turn !== lineTurn) return;
    const text = request && curlLine(request, location.href.split("#")[0], live.look?.you.keys);
    setText(curl, text ?? "");
    show(curl, Boolean(text));
    copyLine.disabled = !text;
    setText(curlNote, text ? (request.file ? t("form.file", { name: request.file.name }) : "") : t("form.incomplete"));
    show(curlNote, curlNote.textContent !== "");
  }

  function favourite(params) { return { cmd_type: spec.cmd_type, ...(robot.value ? { robot_id: robot.value } : {}), params }; }
  function showStar(params) {
    const can = params !== null && spec.kind === "queued" && !(PROGRAM in params);
    show(star, can);
    if (!can) return;
    const kept = isKept(favourite(params));
    setAttribute(star, "aria-pressed", String(kept));
    star.className = kept ? "star is-kept" : "star";
    setText(starText, t(kept ? "form.forget" : "form.keep"));
  }
  function keepIt() {
    const params = fields.attempt();
    if (params === null) return;
    if (toggleFavourite(favourite(params))) tell(t("form.kept"));
    showStar(params);
    picker.draw();
    picker.select(spec.cmd_type);
  }

  /** The request, sent: throws Refused. */
  async function sent(request, headers) {
    if (request.file) return ask("POST", request.path, request.file, { headers: { ...headers, "Content-Type": "text/plain" }, timeoutMs: TIMEOUT_MS });
    return post(request.path, request.body, { headers, timeoutMs: TIMEOUT_MS });
  }

  function valued() {
    setText(note, "");
    answer.replaceChildren();
    const lacking = schedule.missing();
    if (lacking) { setText(note, t("form.required")); lacking.focus(); return null; }
    try { return fields.value(); } catch (error) { if (error instanceof FieldError) return null; throw error; }
  }

  function refused(error) {
    if (error instanceof Refused && error.code === "program_refused") { answer.replaceChildren(refusalNode(error.body)); return; }
    const field = error instanceof Refused && error.body.field ? String(error.body.field) : "";
    const at = field.startsWith("command.") ? field.slice("command.".length) : field;
    if (!at || !fields.fault(at, error.message)) setText(note, reasonOf(error));
  }

  /** Who does not see that it was accepted presses once more. */
  function showSaid() { (answer.hasChildNodes() ? answer : note).scrollIntoView({ block: "nearest" }); }

  async function tryIt() {
    const params = valued();
    if (params === null) return;
    try { answer.replaceChildren(dryNode(await sent(await requestOf(params, { dryRun: true }), {}))); } catch (error) { refused(error); }
    showSaid();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.getAttribute("aria-busy") === "true" || send.disabled) return;
    const params = valued();
    if (params === null) return;
    send.setAttribute("aria-busy", "true");
    try {
      const daily = schedule.daily();
      const found = await sent(await requestOf(params), { "Idempotency-Key": key, Prefer: "respond-async" });
      key = freshKey();
      usedNow(spec.cmd_type);
      if (daily) {
        answer.replaceChildren(h("p", { class: "good" }, icon("check"), h("span", { text: ` ${t("repeats.made", { clock: clock(found.repeat.next_ms) })}` })));
        await repeats.load();
      } else {
        answer.replaceChildren(found.task_id
          ? h("p", { class: "good" }, icon("check"), h("span", { text: ` ${t("submit.accepted")}: ` }), h("a", { href: `#task/${found.task_id}`, text: [titleOf(live.specs, spec.cmd_type), live.look?.robots.length > 1 && robot.value].filter(Boolean).join(" · ") }))
          : h("div", {}, h("h3", { text: t("submit.answer") }), h("pre", { tabindex: 0, text: JSON.stringify(found, null, 2) })));
      }
      live.refresh();
    } catch (error) {
      refused(error);
    } finally {
      send.removeAttribute("aria-busy");
      showSaid();
    }
  });

  function take(one) { choose(one.cmd_type, { robotId: one.robot_id ?? "", params: one.params }); }

  /** What somebody has dropped or opened. */
  async function takeFile(found) {
    if (!live.look) return;
    if (!location.hash.startsWith("#submit")) location.hash = "#submit";
    if (facts === null) await readFacts();
    if (found.command) {
      const { cmd_type: cmdType, params = {}, cmd_id: cmdId, robot_id: robotId } = found.command;
      choose(cmdType, { robotId: params?.robot_id ?? robotId ?? "", params: Array.isArray(params) ? {} : params });
      if (spec?.cmd_type === cmdType && cmdId !== undefined) { own.value = String(cmdId); changed(); }
    } else if (found.program) takeProgram(found.program);
    else showBatch(found);
  }

  function takeProgram(file) {
    if (spec && !form.hidden && takesProgram() && spec.schema.properties?.[PROGRAM]) { fields.fill({ ...fields.filled(), [PROGRAM]: file }); changed(); return; }
    const programs = Object.values(facts?.robots ?? {}).flatMap((one) => one.programs);
    if (!programs.length) { tell(t("drop.noprogram"), { bad: true }); return; }
    choose(programs.includes("RUN_GCODE") ? "RUN_GCODE" : programs[0], { params: { [PROGRAM]: file } });
  }

  function showBatch({ batch: commands, name }) {
    batch = commands;
    const state = h("div", { role: "status" });
    const submit = button(t("drop.submit", { count: count(commands.length) }), async () => {
      const found = await post("./", batch, { headers: { "Idempotency-Key": freshKey(), Prefer: "respond-async" }, timeoutMs: TIMEOUT_MS });
      tell(t("drop.accepted", { count: count(found.task_ids?.length ?? 1) }));
      show(dropped, false);
      live.refresh();
    }, { kind: "primary", symbol: "play", allowed: live.may("submit") });
    dropped.replaceChildren(h("h2", { text: t("drop.batch", { count: count(commands.length), name }) }), state,
      h("div", { class: "buttons" }, submit, button(t("cancel"), async () => show(dropped, false))));
    submit.disabled = true;
    show(dropped, true);
    dropped.scrollIntoView({ block: "nearest" });
    post("./?dry_run=1", commands, { timeoutMs: TIMEOUT_MS }).then((found) => { state.replaceChildren(dryNode(found)); submit.disabled = !live.may("submit"); },
      (error) => state.replaceChildren(error instanceof Refused && error.code === "program_refused" ? refusalNode(error.body) : h("p", { class: "fault", text: reasonOf(error) })));
  }

  /** The form with what an earlier task was given. */
  async function openAgain(taskId) {
    const found = await get(taskPath(taskId)).catch((error) => { tell(reasonOf(error), { bad: true }); return null; });
    if (found === null) return;
    if (facts === null) await readFacts();
    const { robot_id: _, ...params } = Array.isArray(found.params) ? {} : found.params;
    if (params[PROGRAM]?.sha256) params[PROGRAM] = await programOf(taskId, params[PROGRAM].bytes);
    choose(found.cmd_type, { robotId: found.robot_id, params, from: favouriteTitle({ cmd_type: found.cmd_type, params: { ...params, [PROGRAM]: null } }) });
    fields?.focus();
  }

  async function programOf(taskId, bytes) {
    if (bytes > AGAIN_BYTES) { tell(t("form.again.long"), { bad: true }); return ""; }
    const found = await fetch(taskPath(taskId, "program"), { credentials: "same-origin" });
    if (!found.ok) { tell(t("form.again.long"), { bad: true }); return ""; }
    return new File([await found.text()], `${taskId}.nc`);
  }

  robot.addEventListener("change", robotChosen);
  own.addEventListener("input", changed);
  return {
    node,
    update: options,
    event: repeats.event,
    open(rest = "") {
      options();
      readFacts();
      repeats.load().catch((error) => tell(reasonOf(error), { bad: true }));
      const [what, id] = [rest.split("/")[0], rest.split("/").slice(1).join("/")];
      if (what === "again" && id) openAgain(id);
      else if (what === "kept" && favourites()[Number(id)]) take(favourites()[Number(id)]);
      else if (what && live.specs.has(what)) choose(what);
    },
  };
}

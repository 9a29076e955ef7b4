// Everything about one task, in a drawer over the page.

import { artifact as artifactPath, get, picture, Refused, task as taskPath } from "../base/api.js";
import { h, icon, list, setText, show } from "../base/dom.js";
import { clock, count, duration, stepName, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { decisionButtons, questionForm } from "../page/attention.js";
import { cancelTask, resolveTask, retryTask } from "../parts/decide.js";
import { programPart } from "../forms/program_part.js";
import { canRerun, rerunFromLine } from "../forms/rerun.js";
import { countsOf, valueNode } from "../forms/values.js";
import { stepText } from "../parts/robots.js";
import { button, copy, openOver, reasonOf } from "../base/ui.js";

const STEPS = 300;
const REST_MS = 1000;

export function taskDrawer() {
  let taskId = null;
  let task = null;
  let question = null;
  let timer = null;
  let askedAt = 0;
  const title = h("h2", { id: "drawer-title", tabindex: -1 });
  const state = h("span", { class: "pill" });
  const message = h("p", { class: "message-text" });
  const asks = h("div", { class: "asks" });
  const actions = h("div", { class: "buttons" });
  const facts = h("dl", { class: "facts" });
  const steps = stepsPart();
  const result = block(t("detail.result"));
  const artifacts = artifactsPart();
  const program = programPart();
  const partial = block(t("detail.partial"));
  const params = block(t("detail.params"));
  const node = h("dialog", { id: "drawer", "aria-labelledby": "drawer-title" },
    h("div", { class: "drawer-head" }, title, state,
      h("button", { type: "button", class: "plain", "aria-label": t("close"), onclick: () => node.close() }, icon("cross"))),
    h("div", { class: "drawer-body" }, message, asks, actions, facts, partial.node, result.node, artifacts.node, params.node, program.node, steps.node));
  node.addEventListener("close", () => {
    if (taskId !== null && location.hash.startsWith("#task/")) location.hash = cameFrom;
    taskId = null;
  });
  // beside the drawer is the way back to the page
  document.addEventListener("pointerdown", (event) => {
    if (node.open && event.target === document.body) node.close();
  });
  let cameFrom = "#now";

  async function load() {
    const asked = taskId;
    askedAt = Date.now();
    const found = await get(taskPath(asked)).catch((error) => {
      if (taskId === asked && task === null) {
        setText(message, error instanceof Refused && error.status === 404 ? t("detail.gone") : reasonOf(error));
        show(message, true);
      }
      return null;
    });
    if (taskId !== asked || found === null) return;
    task = found;
    render();
  }

  function render() {
    const unknown = task.error_code === "outcome_unknown" && !task.resolution;
    const word = unknown ? "unknown" : task.state;
    setText(title, titleOf(live.specs, task.cmd_type));
    setText(state, t(`task.${word}`));
    state.className = `pill ${word}`;
    setText(message, [task.message, ...countsOf(task.result)].filter(Boolean).join(" · "));
    show(message, Boolean(task.message));
    message.classList.toggle("done", task.state === "completed");
    if (question !== (task.waiting_for?.asked_at ?? null)) {
      question = task.waiting_for?.asked_at ?? null;
      asks.replaceChildren(...(task.waiting_for ? [h("p", { class: "prompt", text: task.waiting_for.prompt }), questionForm(task)] : []));
    }
    renderActions(unknown);
    renderFacts();
    steps.update(task);
    artifacts.update(task);
    result.update(withoutTold(task.result));
    partial.update(task.state === "running" ? task.partial : undefined);
    params.update({ ...withoutProgram(task.params), ...(Object.keys(task.extra || {}).length ? { extra: task.extra } : {}) });
    program.update(task);
  }

  function renderActions(unknown) {
    const undecided = task.state === "pending" && task.waits?.some((wait) => wait.code === "approval");
    const key = `${task.task_id}${task.state}${unknown}${undecided}`;
    if (actions.dataset.key === key) return;
    actions.dataset.key = key;
    const may = live.may("submit");
    const buttons = undecided ? decisionButtons(task, load) : [];
    if (["pending", "running"].includes(task.state) && task.api === "robot") buttons.push(button(t("task.cancel"), () => cancelTask(task), { symbol: "cross", allowed: may }));
    if (unknown) {
      for (const [outcome, symbol] of [["completed", "check"], ["failed", "cross"]]) {
        buttons.push(button(t(`resolve.${outcome}`), () => resolveTask(task.task_id, outcome, load), { symbol, allowed: live.may("control"), kind: outcome === "completed" ? "primary" : "" }));
      }
    }
    if (["completed", "failed", "cancelled"].includes(task.state) && task.api === "robot") {
      const asked = task.task_id;
      buttons.push(button(unknown ? t("resolve.retry") : t("task.retry"), () => (unknown ? resolveTask(asked, "retry", load)
        : retryTask(task, { done: load, over: () => (task?.task_id === asked && task.retried_as ? t("over.retried") : null) })), { symbol: "retry", allowed: live.may(unknown ? "control" : "submit") }));
      if (!unknown) buttons.push(button(t("detail.edit"), () => { location.hash = `#submit/again/${encodeURIComponent(asked)}`; }, { symbol: "edit", allowed: may }));
      if (!unknown && canRerun(task)) buttons.push(button(t("rerun.button"), () => rerunFromLine(task, load), { symbol: "play", allowed: live.may("control") }));
    }
    buttons.push(button(t("detail.copy"), () => copy(JSON.stringify(task, null, 2)), { symbol: "copy" }));
    actions.replaceChildren(...buttons);
  }

  function renderFacts() {
    const rows = [
      [t("detail.id"), task.task_id], [t("history.name"), task.cmd_id], [t("command"), task.cmd_type], [t("robot"), task.robot_id],
      [t("detail.submitted"), `${clock(task.submitted_at_ms, { seconds: true })} ${t("detail.by", { actor: task.actor })}`],
      [t("detail.started"), task.started_at_ms && clock(task.started_at_ms, { seconds: true })],
      [t("detail.ended"), task.ended_at_ms && `${clock(task.ended_at_ms, { seconds: true })} (${duration((task.ended_at_ms - (task.started_at_ms || task.ended_at_ms)) / 1000)})`],
      [t("waiting"), task.waits?.map((wait) => wait.reason).join(", ")],
      [t("detail.priority"), task.priority || null], [t("detail.attempt"), task.attempt > 1 ? task.attempt : null],
      [t("detail.batch"), task.batch_id], [t("detail.retry_of"), task.retry_of, true], [t("detail.retried"), task.retried_as, true],
      [t("detail.resolved"), task.resolution && resolutionText(task.resolution)],
      ...stoppedAt(task.error?.stopped_at),
      [t("detail.webhooks"), task.webhooks?.map((hook) => `${hook.url}: ${hook.state}`).join(", ")],
    ].filter(([, value]) => value);
    list(facts, rows, ([name]) => name, ([name, , link]) => {
      const value = h("dd", {});
      return { node: h("div", {}, h("dt", { text: name }), value), update([, text]) { if (value.dataset.text !== String(text)) { value.dataset.text = text; value.replaceChildren(link ? h("a", { href: `#task/${text}`, text }) : String(text)); } } };
    });
  }

  return {
    node,
    open(id, from) {
      if (from) cameFrom = from;
      taskId = id;
      task = null;
      question = null;
      setText(title, id);
      setText(state, "");
      setText(message, "");
      asks.replaceChildren();
      steps.reset();
      artifacts.reset();
      openOver(node);
      title.focus();
      load();
    },
    close() { taskId = null; if (node.open) node.close(); },
    event(event) {
      if (event.task_id !== taskId || taskId === null || timer) return;
      timer = setTimeout(() => { timer = null; if (taskId !== null) load(); }, Math.max(50, askedAt + REST_MS - Date.now()));
    },
  };
}

/** Where its program was: the lines that were answered, are surely done, and may have begun. */
function stoppedAt(at) {
  if (!at) return [];
  return ["answered", "done", "begun"].map((name) => {
    const found = at[name];
    return [t(`detail.line.${name}`), found ? t("detail.line", { line: found.line, lines: at.lines, text: found.text }) : t("detail.line.none")];
  });
}

/** What somebody found, who that was, when, and what they wrote beside it. */
function resolutionText({ outcome, actor, at_ms: atMs, note }) {
  const what = t(outcome === "retry" ? "detail.again" : `task.${outcome}`);
  return [`${what} ${t("detail.by", { actor })}`, clock(atMs, { seconds: true }), note].filter(Boolean).join(" · ");
}

/** A part of the page with a value as a table, and the same as JSON for who wants that. */
function block(name) {
  const table = h("div", { class: "value-box" });
  const text = h("pre", { tabindex: 0 });
  const raw = h("details", { class: "raw" }, h("summary", { text: "JSON" }), text);
  const node = h("section", { hidden: true }, h("h3", { text: name }), table, raw);
  let before = "";
  return { node, update(value) {
    const empty = value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
    show(node, !empty);
    if (empty) { before = ""; return; }
    const json = JSON.stringify(value, null, 2);
    if (json === before) return;
    before = json;
    table.replaceChildren(valueNode(value));
    setText(text, json.slice(0, 100000));
    show(raw, typeof value === "object");
  } };
}

// what stands above already
const TOLD = ["success", "code", "error_code", "message", "stopped_at"];
function withoutTold(result) {
  if (!result || Array.isArray(result)) return result;
  return Object.fromEntries(Object.entries(result).filter(([name]) => !TOLD.includes(name)));
}

function withoutProgram(params) {
  if (Array.isArray(params)) return { params };
  const { program, ...rest } = params || {};
  return rest;
}

const PICTURES = ["image/png", "image/jpeg", "image/webp"];

/** Files that the command has left behind: each a link, and pictures are shown. What comes is shown
 * as a picture or not at all, never as markup. */
function artifactsPart() {
  const rows = h("ul", { class: "artifacts" });
  const node = h("section", { hidden: true }, h("h3", { text: t("detail.artifacts") }), rows);
  return {
    node,
    reset() { list(rows, [], () => "", null); },
    update(task) {
      const all = task.artifacts || [];
      show(node, all.length > 0);
      list(rows, all, (one) => `${task.task_id}/${one.name}/${one.sha256}`, (one) => {
        if (one.not_kept) {
          return { node: h("li", { class: "quiet", text: t("detail.artifact.not_kept", { name: one.name, reason: one.not_kept }) }) };
        }
        const at = artifactPath(task.task_id, one.name);
        const link = h("a", { href: at, download: one.name, text: t("detail.artifact", { name: one.name, size: count(Math.ceil(one.size / 1024)) }) });
        const node = h("li", {}, link);
        let shown = null;
        let wanted = PICTURES.includes(one.media_type);
        if (wanted) {
          picture(at).then((url) => {
            if (!wanted) { URL.revokeObjectURL(url); return; }
            shown = url;
            node.append(h("img", { src: url, alt: one.name }));
          }, (error) => { node.append(h("p", { class: "quiet", text: reasonOf(error) })); });
        }
        return { node, gone() { wanted = false; if (shown) URL.revokeObjectURL(shown); } };
      });
    },
  };
}

/** Recorded steps one under the other, each where it was in the course of the whole. */
function stepsPart() {
  const rows = h("ol", { class: "timeline" });
  const before = h("p", { class: "quiet" });
  const none = h("p", { class: "quiet", text: t("detail.steps.none"), hidden: true });
  const node = h("section", {}, h("h3", { text: t("detail.steps") }), none, before, rows);
  return {
    node,
    reset() { list(rows, [], () => "", null); },
    update(task) {
      const all = (task.steps || []).map((step, index) => ({ ...step, index }));
      const shown = all.slice(-STEPS);
      show(node, all.length > 0 || task.state !== "pending");
      show(none, all.length === 0);
      show(before, all.length > shown.length);
      setText(before, t("detail.steps.before", { count: count(all.length - shown.length) }));
      const start = shown[0]?.started_at_ms ?? 0;
      const end = Math.max(task.ended_at_ms ?? live.now(), start + 1);
      list(rows, shown, (step) => step.index, () => {
        const bar = h("span", { class: "bar" });
        const name = h("span", { class: "name" });
        const at = h("span", { class: "quiet" });
        const took = h("span", { class: "took" });
        const item = h("li", {}, h("div", { class: "line" }, name, at, took), h("div", { class: "track", "aria-hidden": "true" }, bar));
        return { node: item, update(step) {
          const next = shown[shown.indexOf(step) + 1];
          const until = step.state === "running" ? end : next?.started_at_ms ?? end;
          item.className = step.state;
          setText(name, stepText(step));
          name.title = `${step.name}: ${stepName(step.name)}`;
          setText(at, clock(step.started_at_ms, { seconds: true }));
          setText(took, step.duration_s === null ? "…" : duration(step.duration_s));
          bar.style.insetInlineStart = `${(100 * (step.started_at_ms - start)) / (end - start)}%`;
          bar.style.inlineSize = `${Math.max(0.5, (100 * (until - step.started_at_ms)) / (end - start))}%`;
        } };
      });
    },
  };
}

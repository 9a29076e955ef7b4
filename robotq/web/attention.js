// What needs a person: the emergency stop, questions, holds, approvals. Each with the very
// button that clears it.

import { post, Refused, task } from "./api.js";
import { h, icon, list, setText, show } from "./dom.js";
import { clock, t, titleOf } from "./i18n.js";
import { resetStop } from "./header.js";
import { live } from "./live.js";
import { FieldError, formOf } from "./schema_form.js";
import { button, confirm, reasonOf, tell } from "./ui.js";

const BY_RESUME = new Set(["paused", "failure", "restarted", "shutdown"]);

export function attention() {
  const box = h("div", { class: "cards" });
  const node = h("section", { class: "attention", "aria-label": t("attention"), hidden: true }, box);
  return {
    node,
    update(look) {
      const items = itemsOf(look);
      list(box, items, (item) => item.key, (item) => MAKERS[item.what](item));
      show(node, items.length > 0);
    },
  };
}

function itemsOf(look) {
  const items = [];
  if (look.estop) items.push({ what: "estop", key: "estop", holds: look.estop_holds });
  for (const robot of look.robots) {
    if (robot.running?.waiting_for) {
      items.push({ what: "question", key: `q${robot.running.task_id}/${robot.running.waiting_for.asked_at}`, robot, task: robot.running });
    }
  }
  const resumed = new Map();
  for (const robot of look.robots) {
    for (const hold of robot.holds) {
      if (hold.code === "estop") continue;
      if (hold.code === "outcome_unknown") items.push({ what: "unknown", key: `u${hold.task_id}`, hold });
      else if (BY_RESUME.has(hold.code)) {
        const key = `${hold.code}/${hold.task_id || hold.reason}`;
        if (!resumed.has(key)) {
          resumed.set(key, []);
          items.push({ what: "resume", key: `r${key}`, holds: resumed.get(key), code: hold.code });
        }
        resumed.get(key).push(hold);
      } else items.push({ what: "wait", key: `w${robot.robot_id}${hold.code}`, hold });
    }
    for (const waiting of robot.next) {
      if (waiting.waits?.some((wait) => wait.code === "approval")) items.push({ what: "approval", key: `a${waiting.task_id}`, task: waiting });
    }
  }
  return items;
}

function card(kind, symbol, title) {
  const heading = h("h2", { text: title });
  const since = h("span", { class: "quiet since" });
  const text = h("p");
  const hint = h("p", { class: "quiet" });
  const actions = h("div", { class: "buttons" });
  const node = h("article", { class: `notice ${kind}` },
    h("div", { class: "sign" }, icon(symbol)),
    h("div", { class: "words" }, h("div", { class: "head" }, heading, since), text, hint), actions);
  return { node, heading, since, text, hint, actions };
}

function sinceText(hold) { return hold ? t("since", { clock: clock(hold.since_ms) }) : ""; }

function estopCard() {
  const part = card("bad", "stop", t("estop.latched"));
  part.actions.append(button(t("estop.reset"), resetStop, { kind: "danger", allowed: live.may("control") }));
  setText(part.hint, t("estop.text"));
  return { node: part.node, update({ holds }) { setText(part.text, holds[0]?.reason || ""); setText(part.since, sinceText(holds[0])); } };
}

function resumeCard({ code }) {
  const part = card(code === "paused" ? "warn" : "bad", code === "paused" ? "pause" : "warn", t(`hold.${code}`));
  let robots = "";
  return {
    node: part.node,
    update({ holds }) {
      const names = holds.map((hold) => hold.robot_id);
      setText(part.heading, `${names.join(", ")}: ${t(`hold.${code}`)}`);
      setText(part.text, holds[0].reason);
      setText(part.hint, holds[0].clear.text);
      setText(part.since, sinceText(holds[0]));
      if (robots === names.join()) return;
      robots = names.join();
      const single = names.map((name) => button(names.length > 1 ? t("resume.robot", { robot: name }) : t("resume"), () => resume({ robot_id: name }),
        { kind: names.length > 1 ? "" : "primary", symbol: "play", allowed: live.may("control"), name: t("resume.robot", { robot: name }) }));
      const all = names.length > 1 ? [button(t("resume.all"), () => Promise.all(names.map((name) => resume({ robot_id: name }))), { kind: "primary", symbol: "play", allowed: live.may("control") })] : [];
      const look = holds[0].task_id ? [h("a", { class: "button", href: `#task/${holds[0].task_id}`, text: t("show") })] : [];
      part.actions.replaceChildren(...look, ...single, ...all);
    },
  };
}

export async function resume(body) {
  const answer = await post("queue/resume", body);
  tell(answer.message);
  live.refresh();
}

function unknownCard({ hold }) {
  const part = card("bad", "warn", `${hold.robot_id}: ${t("hold.outcome_unknown")}`);
  const path = task(hold.task_id, "resolve");
  const allowed = live.may("control");
  const resolve = async (outcome) => { const answer = await post(path, { outcome }); tell(answer.message); live.refresh(); };
  const again = async () => {
    const found = live.look.ended.find((line) => line.task_id === hold.task_id);
    const title = found ? titleOf(live.specs, found.cmd_type) : hold.task_id;
    if (await confirm({ title: t("resolve.ask", { title }), text: t("resolve.ask.text", { robot: hold.robot_id }), yes: t("resolve.ask.yes"), danger: true })) await resolve("retry");
  };
  part.actions.append(
    h("a", { class: "button", href: `#task/${hold.task_id}`, text: t("show") }),
    button(t("resolve.completed"), () => resolve("completed"), { kind: "primary", symbol: "check", allowed }),
    button(t("resolve.failed"), () => resolve("failed"), { symbol: "cross", allowed }),
    button(t("resolve.retry"), again, { symbol: "retry", allowed }));
  setText(part.text, hold.reason);
  setText(part.hint, hold.clear.text);
  setText(part.since, sinceText(hold));
  return { node: part.node };
}

function waitCard({ hold }) {
  const part = card("bad", "warn", `${hold.robot_id}: ${t(`hold.${hold.code}`)}`);
  return { node: part.node, update({ hold: now }) { setText(part.text, now.reason); setText(part.hint, now.clear.text); setText(part.since, sinceText(now)); } };
}

function approvalCard({ task: waiting }) {
  const part = card("ask", "ask", `${waiting.robot_id}: ${t("approve.title")}`);
  setText(part.text, `${titleOf(live.specs, waiting.cmd_type)}${waiting.cmd_id ? ` · ${waiting.cmd_id}` : ""} · ${t("detail.by", { actor: waiting.actor })}`);
  part.actions.append(
    h("a", { class: "button", href: `#task/${waiting.task_id}`, text: t("show") }),
    button(t("reject"), async () => { const answer = await post(task(waiting.task_id, "reject")); tell(answer.message); live.refresh(); }, { symbol: "cross", allowed: live.may("control") }),
    button(t("approve"), async () => { const answer = await post(task(waiting.task_id, "approve")); tell(answer.message); live.refresh(); }, { kind: "primary", symbol: "check", allowed: live.may("control") }));
  return { node: part.node };
}

function questionCard({ robot, task: asking }) {
  const question = asking.waiting_for;
  const part = card("ask", "ask", `${t("question", { robot: robot.robot_id })}: ${titleOf(live.specs, asking.cmd_type)}`);
  setText(part.text, question.prompt);
  part.text.classList.add("prompt");
  setText(part.since, t("question.until", { clock: clock(question.deadline_ms) }));
  part.hint.remove();
  const form = questionForm(asking);
  part.node.classList.add("wide");
  part.actions.replaceWith(form);
  return { node: part.node };
}

/** The form that answers what a running command asks. */
export function questionForm(asking) {
  const question = asking.waiting_for;
  const manual = asking.cmd_type === "MANUAL_STEP";
  const fields = formOf(question.schema, { name: "" });
  const send = h("button", { class: "primary big", disabled: !live.may("submit") }, icon("check"), h("span", { text: manual ? t("step.done") : t("answer") }));
  const note = h("p", { class: "fault", role: "alert" });
  const form = h("form", { class: "question", novalidate: true }, fields.node, note, h("div", { class: "buttons" }, send));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    setText(note, "");
    try {
      const value = fields.value();
      send.setAttribute("aria-busy", "true");
      await post(task(asking.task_id, "input"), value);
      tell(t("answered"));
      live.refresh();
    } catch (error) {
      if (error instanceof FieldError) return;
      const shown = error instanceof Refused && error.body.field && fields.fault(String(error.body.field).replace(/^input\.?/, ""), error.message);
      if (!shown) setText(note, reasonOf(error));
    } finally {
      send.removeAttribute("aria-busy");
    }
  });
  return form;
}

const MAKERS = { estop: estopCard, resume: resumeCard, unknown: unknownCard, wait: waitCard, approval: approvalCard, question: questionCard };

// All daemons of the fleet: how old what is known of them is, their robots, what waits for them.

import { get, post } from "../base/api.js";
import { h, list, setText, show } from "../base/dom.js";
import { clock, passing, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { button, confirm, pill, reasonOf, tell } from "../base/ui.js";
import { faceOf } from "../parts/state.js";

const EVERY_MS = 2000;

export function fleetView() {
  let askedAt = 0;
  let asking = false;
  let asked = []; // robots that a person has to say something about
  const problem = h("p", { class: "problem", role: "status" });
  const stops = h("ul", { class: "fleet-list" });
  const takes = h("ul", { class: "fleet-list" });
  const daemons = h("div", { class: "fleet-daemons" });
  const waiting = h("ul", { class: "fleet-list" });
  const waits = h("div", { class: "card" }, h("h2", { text: t("fleet.waiting") }), waiting);
  const node = h("div", { class: "fleet" }, h("h1", { text: t("fleet.title") }), problem, stops, takes, daemons, waits);
  show(waits, false);
  show(problem, false);

  async function load() {
    if (asking) return;
    asking = true;
    askedAt = Date.now();
    try {
      render(await get("fleet"));
    } catch (error) {
      tellProblem(t("fleet.old", { reason: reasonOf(error) }));
    } finally {
      asking = false;
    }
  }

  function tellProblem(text) {
    setText(problem, text);
    show(problem, Boolean(text));
  }

  function render(fleet) {
    tellProblem(fleet.refused || (fleet.database && t("fleet.database", { clock: clock(fleet.database_since_ms), reason: fleet.database })) || "");
    list(stops, fleet.stops, (one) => one.stop_id, stop);
    asked = fleet.asks_whether_off ?? [];
    list(takes, asked, (one) => `${one.robot_id} ${one.epoch}`, take);
    list(daemons, fleet.daemons, (one) => one.name, daemon);
    list(waiting, fleet.waiting, (one) => one.task_id, handed);
    show(waits, fleet.waiting.length > 0);
  }

  function stop(first) {
    const words = h("span");
    const reset = button(t("fleet.reset"), async () => {
      const sure = await confirm({ title: t("fleet.reset.ask"), text: t("fleet.reset.text"), yes: t("fleet.reset") });
      if (!sure) return;
      tell((await post(`fleet/stops/${encodeURIComponent(first.stop_id)}/reset`)).message);
      await load();
    }, { allowed: live.may("control") });
    return {
      node: h("li", { class: "card fleet-stop" }, pill("stopped", t("fleet.stopped")), words, reset),
      update(one) {
        setText(words, [t("fleet.stop", { actor: one.actor, door: one.door, clock: clock(one.at_ms) }), one.reason, t("fleet.latched", { names: Object.keys(one.latched_by).join(", ") || "–" })].filter(Boolean).join(" · "));
      },
    };
  }

  function take(one) {
    const named = { robot: one.robot_id, daemon: one.daemon };
    const stands = () => asked.some((now) => now.robot_id === one.robot_id && now.epoch === one.epoch);
    const drive = button(t("fleet.take"), async () => {
      const sure = await confirm({ title: t("fleet.take.ask", named), text: t("fleet.take.text", named), yes: t("fleet.take.yes"), over: () => (stands() ? null : t("fleet.take.over")) });
      if (!sure) return;
      tell((await post(`fleet/robots/${encodeURIComponent(one.robot_id)}/take`, { old_machine_is_off: true, epoch: one.epoch })).message);
      await load();
    }, { allowed: live.may("admin") });
    return { node: h("li", { class: "card fleet-stop" }, h("span", { text: t("fleet.take.why", named) }), drive), update() {} };
  }

  function daemon(first) {
    let known = first;
    const age = h("span", { class: "quiet" });
    const away = h("span", { class: "pill" });
    const link = h("a", { href: first.url ? `${first.url}/dashboard` : "#fleet", text: first.name });
    const robots = h("ul", { class: "fleet-robots" });
    const none = h("p", { class: "quiet", text: t("fleet.none"), hidden: true });
    return {
      node: h("section", { class: "card", "aria-label": first.name }, h("div", { class: "fleet-head" }, h("h2", {}, link), away, age), robots, none),
      update(one) {
        known = one;
        away.className = one.away ? "pill disconnected" : "pill";
        setText(away, one.away ? t("fleet.away") : one.here ? t("fleet.here") : "");
        setText(age, one.age_s < 5 && !one.away ? "" : t("fleet.heard", { time: passing(one.age_s) }));
        list(robots, one.robots, (robot) => robot.robot_id, () => robotRow(() => known));
        show(none, one.robots.length === 0);
      },
    };
  }

  function robotRow(daemonOf) {
    const name = h("b");
    const state = h("span", { class: "pill" });
    const what = h("span", { class: "quiet" });
    return {
      node: h("li", {}, name, state, what),
      update(robot) {
        setText(name, robot.robot_id);
        const face = faceOf(robot);
        const old = daemonOf().away;
        state.className = old ? "pill" : `pill ${face.tone === "normal" ? robot.state : face.tone === "bad" ? "failed" : "held"}`;
        setText(state, old ? t("fleet.was", { word: face.word }) : face.word);
        const running = robot.running;
        setText(what, [running && titleOf(live.specs, running.cmd_type), robot.waiting > 0 && t("fleet.queue", { count: robot.waiting })].filter(Boolean).join(" · "));
      },
    };
  }

  function handed(first) {
    const words = h("span");
    const why = h("span", { class: "quiet" });
    const cancel = button(t("task.cancel"), async () => {
      tell((await post(`fleet/tasks/${encodeURIComponent(first.task_id)}/cancel`)).message);
      await load();
    }, { symbol: "cross", allowed: live.may("submit") });
    return {
      node: h("li", {}, words, why, cancel),
      update(one) {
        setText(words, `${titleOf(live.specs, one.cmd_type)} · ${one.robot_id} · ${clock(one.accepted_at_ms)}`);
        setText(why, one.why);
      },
    };
  }

  return { node, open: load, update() { if (Date.now() - askedAt > EVERY_MS) load(); }, tick() { if (Date.now() - askedAt > EVERY_MS) load(); } };
}

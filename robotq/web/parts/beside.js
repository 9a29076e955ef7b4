// What belongs to a robot besides its motion: the devices beside it, and what is to be seen to.

import { post, robot as robotPath } from "../base/api.js";
import { h, list, setAttribute, setText, show } from "../base/dom.js";
import { count, t, titleOf } from "../base/i18n.js";
import { live } from "../base/live.js";
import { button, confirm, tell } from "../base/ui.js";

const UNITS = new Set(["commands", "hours", "days"]);
const SAFE = new Set(["sent", "confirmed"]);

/** How much of it is used: 480 of 500 hours. */
export function usedText(item) {
  const unit = UNITS.has(item.counts) ? t(`care.${item.counts}`) : `× ${titleOf(live.specs, item.counts)}`;
  return t(`care.${item.state}`, { used: count(Math.floor(item.used * 10) / 10), every: count(item.every), unit });
}

/** Say by name that it is done; its counter begins anew. */
export async function careDone(item) {
  const sure = await confirm({
    title: t("care.done.ask", { item: item.item.replaceAll("_", " "), robot: item.robot_id }), yes: t("care.done.yes"),
    text: [item.text, t("care.done.text")].filter(Boolean).join(" · "),
    over: (look) => (look.robots.some((robot) => robot.maintenance.some((one) => isSame(one, item))) ? null : t("over.ended")),
  });
  if (!sure) return;
  tell((await post(robotPath(item.robot_id, `maintenance/${encodeURIComponent(item.item)}/done`))).message);
  live.refresh();
}

const isSame = (one, other) => one.robot_id === other.robot_id && one.item === other.item && one.since_ms === other.since_ms;

/** Lines of a card. */
export function besidePart() {
  const node = h("ul", { class: "beside" });
  return { node, update(robot) {
    const rows = [
      ...Object.entries(robot.devices).map(([name, device]) => ({ key: `d${name}`, name, device })),
      ...robot.maintenance.map((item) => ({ key: `m${item.item}/${item.since_ms}`, name: item.item, item })),
    ];
    show(node, rows.length > 0);
    list(node, rows, (row) => row.key, (row) => (row.item ? careRow(row) : deviceRow(row)));
  } };
}

function deviceRow({ name }) {
  const told = h("span", { class: "told" });
  const node = h("li", {}, h("span", { class: "name", text: name.replaceAll("_", " ") }), told);
  return { node, update({ device }) {
    const safe = device.safe_state && t("device.safe", { state: SAFE.has(device.safe_state) ? t(`device.safe.${device.safe_state}`) : device.safe_state });
    const link = device.connected ? t("device.on") : t("device.off", { reason: device.reason ?? "" });
    setAttribute(node, "data-state", device.connected ? "on" : "off");
    setText(told, [link, safe].filter(Boolean).join(" · "));
  } };
}

function careRow(first) {
  let item = first.item;
  const told = h("span", { class: "told" });
  const done = button(t("care.done"), () => careDone(item), { kind: "small", allowed: live.may("control"), name: `${t("care.done")} ${first.name}` });
  const node = h("li", {}, h("span", { class: "name", text: first.name.replaceAll("_", " ") }), told, done);
  return { node, update(row) {
    item = row.item;
    setAttribute(node, "data-state", item.state);
    setText(told, usedText(item));
    show(done, item.state !== "ok");
  } };
}

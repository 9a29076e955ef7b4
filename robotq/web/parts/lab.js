// The simulated lab, drawn: stations with their bottles, and robots where they are.

import { get } from "../base/api.js";
import { h, list, s, setAttribute, setText, show } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { question, tell, tellFailure } from "../base/ui.js";
import { placesOf, sendTo } from "./places.js";
import { faceOf } from "./state.js";

const EVERY_MS = 500;
const IDLE_MS = 3000;
const SLOT = 590; // mm between two bottles as drawn
const AWAY = 1700; // mm from where a robot stands to the middle of what it works at

const LINE = 450; // mm from one line of a name to the next

const HALF = 150; // mm, of a letter of a name

const words = (name) => name.replace(/_(AREA|TABLE|STATION)(?=_|$)/g, "").toLowerCase().split("_");

export function labPart() {
  const stations = s("g", {});
  const bottles = s("g", {});
  const robots = s("g", {});
  const drawing = s("svg", { class: "lab", role: "img" }, stations, bottles, robots);
  const node = h("section", { class: "card lab-card", hidden: true }, h("h3", {}, h("span", { text: t("lab") })), drawing);
  // a mouse or a finger; the menu of a robot has the same places for the keyboard
  stations.addEventListener("click", (event) => {
    const at = event.target.closest("[data-places]");
    if (at) send(at.dataset.places.split(" ")).catch(tellFailure);
  });
  let places = null;
  let drawn = "";
  let asking = false;
  let askedAt = 0;
  let busy = true;
  let seen = "";

  function layOut(lab) {
    const text = JSON.stringify([lab.places, lab.stations, lab.box_areas]);
    if (text === drawn) return;
    drawn = text;
    places = plan(lab);
    const { x, y, width, height } = places.frame;
    drawing.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    stations.replaceChildren(...places.pads.map(padOf), ...places.tables.map(tableOf));
  }

  function draw({ lab, robots: found }) {
    layOut(lab);
    const at = new Map(places.slots);
    for (const robot of found) {
      const parts = lab.robots[robot.robot_id];
      if (!parts || typeof robot.x_mm !== "number") continue;
      at.set(parts.gripper, { x: robot.x_mm + 640, y: -robot.y_mm - 250, on: true });
      parts.back.forEach((slot, index) => at.set(slot, { x: robot.x_mm - 370 + 370 * (index % 3), y: -robot.y_mm + 420 - 400 * Math.floor(index / 3), on: true }));
    }
    list(robots, found.filter((robot) => typeof robot.x_mm === "number"), (robot) => robot.robot_id, (robot) => robotOf(robot));
    // the name of a robot lies over that of a place: one of them can be read
    const named = found.filter((robot) => typeof robot.x_mm === "number");
    for (const [index, pad] of places.pads.entries()) {
      const hides = (robot) => Math.abs(robot.x_mm - pad.x) < HALF * (robot.robot_id.length + pad.name.length) && Math.abs(-robot.y_mm - 740 - (pad.y + 1080)) < LINE;
      stations.children[index].classList.toggle("covered", named.some(hides));
    }
    const standing = lab.bottles.map((bottle) => ({ ...bottle, at: at.get(bottle.slot) })).filter((bottle) => bottle.at);
    const boxes = Object.entries(lab.boxes).map(([id, where]) => {
      const carrier = found.find((robot) => robot.robot_id === where);
      return { id, box: true, at: carrier ? { x: carrier.x_mm, y: -carrier.y_mm + 620, on: true } : places.boxes.get(where) };
    }).filter((box) => box.at);
    list(bottles, [...boxes, ...standing], (item) => item.id, (item) => (item.box ? boxOf(item) : bottleOf(item)));
    const told = found.map((robot) => (robot.place ? t("lab.at", { robot: robot.robot_id, place: robot.place }) : `${robot.robot_id}: ${t("underway")}`));
    setAttribute(drawing, "aria-label", t("lab.alt", { text: told.join(", ") }));
  }

  async function ask() {
    if (asking || document.hidden || !node.isConnected) return;
    if (Date.now() - askedAt < (busy ? EVERY_MS : IDLE_MS)) return;
    asking = true;
    askedAt = Date.now();
    // where the daemon does not answer, the bar says so
    const picture = await get("dashboard/picture").catch(() => null);
    asking = false;
    if (picture === null) return;
    show(node, picture.lab !== null);
    if (picture.lab) draw(picture);
  }
  setInterval(() => { if (live.look && !live.locked) ask(); }, EVERY_MS);
  return { node, update(look) {
    busy = look.robots.some((robot) => robot.running);
    const states = look.robots.map((robot) => faceOf(robot).state).join();
    // a colour of before would say that it is still stopped
    if (states !== seen) askedAt = 0;
    seen = states;
  } };
}

/** Ask who is to go to one of these places; by the queue, as any other command. */
async function send(names) {
  if (!live.may("submit")) return;
  const choices = live.look.robots.flatMap((robot) => placesOf(robot)
    .filter((place) => names.includes(place) && place !== robot.place).map((place) => ({ robot: robot.robot_id, place })));
  if (!choices.length) { tell(t("lab.send.none")); return; }
  const word = names.length > 1 ? "lab.send.place" : "lab.send.one";
  const chosen = await question({
    title: t("lab.send", { place: names.join(", ") }), text: t("lab.send.text"),
    buttons: [{ value: "", text: t("cancel"), focus: true }, ...choices.map((one, index) => ({ value: String(index), text: t(word, one) }))],
  });
  if (chosen) await sendTo(choices[Number(chosen)].robot, choices[Number(chosen)].place);
}

/** Where everything is drawn; y points up in the lab and down on the screen. */
function plan(lab) {
  const points = Object.values(lab.places);
  const middle = { x: mean(points.map((p) => p.x)), y: mean(points.map((p) => p.y)) };
  const slots = new Map();
  const tables = Object.entries(lab.stations).map(([name, station]) => {
    const stands = station.places.map((place) => lab.places[place]).filter(Boolean);
    const center = { x: mean(stands.map((p) => p.x)), y: mean(stands.map((p) => p.y)) };
    const spread = Math.max(...stands.map((p) => Math.hypot(p.x - center.x, p.y - center.y)));
    if (spread < 300) {
      // one side only: the table is on the far side of where the robot stands
      const dx = center.x - middle.x;
      const dy = center.y - middle.y;
      if (Math.abs(dx) > Math.abs(dy)) center.x += Math.sign(dx) * AWAY;
      else center.y += Math.sign(dy || 1) * AWAY;
    }
    const columns = station.slots.length > 4 ? 3 : Math.min(2, station.slots.length);
    const rows = Math.ceil(station.slots.length / columns);
    station.slots.forEach((slot, index) => slots.set(slot, {
      x: center.x + ((index % columns) - (columns - 1) / 2) * SLOT,
      y: -(center.y - (Math.floor(index / columns) - (rows - 1) / 2) * SLOT),
    }));
    return { name, places: station.places, x: center.x, y: -center.y, width: columns * SLOT + 130, height: rows * SLOT + 130, slots: station.slots.map((slot) => slots.get(slot)) };
  });
  const served = new Set(Object.values(lab.stations).flatMap((station) => station.places));
  const boxes = new Map();
  const pads = Object.entries(lab.places).map(([name, place]) => ({ name, x: place.x, y: -place.y, quiet: served.has(name), box: lab.box_areas.includes(name) }));
  for (const pad of pads) if (pad.box) boxes.set(pad.name, { x: pad.x, y: pad.y });
  const xs = [...tables.flatMap((one) => [one.x - one.width / 2, one.x + one.width / 2]), ...pads.map((one) => one.x)];
  const ys = [...tables.flatMap((one) => [one.y - one.height / 2 - 1200, one.y + one.height / 2]), ...pads.map((one) => one.y + 500)];
  const edge = 950;
  const [left, top] = [Math.min(...xs) - edge, Math.min(...ys) - edge];
  return { tables, pads, slots, boxes, frame: { x: left, y: top, width: Math.max(...xs) + edge - left, height: Math.max(...ys) + edge - top } };
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / (numbers.length || 1);

const tableOf = (table) => s("g", { class: "table", "data-places": table.places.join(" ") },
  s("rect", { x: table.x - table.width / 2, y: table.y - table.height / 2, width: table.width, height: table.height, rx: 120 }),
  table.slots.map((slot) => s("circle", { cx: slot.x, cy: slot.y, r: 210, class: "slot" })),
  nameAt(words(table.name), table.x, table.y - table.height / 2 - 150));

/** One word on each line, the last one at `y`: neighbours have room beside them. */
function nameAt(lines, x, y) {
  return s("text", {}, lines.map((line, index) => s("tspan", { x, y: y - (lines.length - 1 - index) * LINE, text: line })));
}

const padOf = (pad) => s("g", { class: `pad${pad.quiet ? " quiet" : ""}`, "data-places": pad.name },
  s("title", { text: pad.name }), s("circle", { class: "reach", cx: pad.x, cy: pad.y, r: 420 }),
  pad.quiet ? s("circle", { cx: pad.x, cy: pad.y, r: 90 }) : s("rect", { x: pad.x - 650, y: pad.y - 650, width: 1300, height: 1300, rx: 220 }),
  !pad.quiet && nameAt([words(pad.name).join(" ")], pad.x, pad.y + 1080));

function moved(node, at) { node.style.transform = `translate(${at.x}px, ${at.y}px)`; }

function bottleOf(first) {
  const level = s("path", {});
  const title = s("title", {});
  const node = s("g", { class: "bottle" }, title, s("circle", { r: 210, class: "glass" }), level);
  return { node, update(bottle) {
    moved(node, bottle.at);
    node.classList.toggle("on", Boolean(bottle.at.on));
    node.classList.toggle("scanned", bottle.scanned);
    const share = Math.max(0, Math.min(1, bottle.volume_ml / bottle.capacity_ml));
    const y = 185 - 370 * share;
    const x = Math.sqrt(Math.max(0, 185 * 185 - y * y));
    level.setAttribute("d", share <= 0 ? "" : share >= 1 ? "M0 -185a185 185 0 1 1 -.1 0z" : `M${-x} ${y}A185 185 0 ${share > 0.5 ? 1 : 0} 0 ${x} ${y}z`);
    setText(title, `${bottle.id}, ${Math.round(bottle.volume_ml)} ml, ${bottle.task}`);
  } };
}

function boxOf(first) {
  const node = s("g", { class: "box" }, s("title", { text: first.id }), s("rect", { x: -420, y: -330, width: 840, height: 660, rx: 90 }), s("path", { d: "M-420 -60h840" }));
  return { node, update(box) { moved(node, box.at); } };
}

function robotOf(first) {
  const node = s("g", { class: "robot" }, s("title", { text: first.robot_id }),
    s("rect", { x: -600, y: -600, width: 1200, height: 1200, rx: 340 }), s("circle", { cx: 0, cy: -260, r: 130 }),
    s("text", { y: -740, text: first.robot_id }));
  return { node, update(robot) {
    moved(node, { x: robot.x_mm, y: -robot.y_mm });
    node.classList.toggle("held", Boolean(robot.held));
    node.classList.toggle("stopped", Boolean(robot.emergency_stop));
  } };
}

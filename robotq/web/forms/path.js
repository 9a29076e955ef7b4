// The way of the tool as a picture: from above, and in space. It shows what the lines write; the
// daemon alone judges whether a program runs.

import { h, setAttribute, setText, show } from "../base/dom.js";
import { count, t } from "../base/i18n.js";
import { readPath } from "./path_reader.js";

const BYTES = 8 * 1024 * 1024; // of a program that is drawn
const SIZE = { width: 640, height: 400 };

// a look at it from the front and the right, 35 degrees from above
const TURN = Math.PI / 5;
const VIEWS = {
  top: (x, y) => [x, y],
  space: (x, y, z) => [(x - y) * Math.cos(TURN), (x + y) * Math.sin(TURN) * 0.6 + z],
};

const round = (value) => String(Math.round(value * 100) / 100);

export function pathPart() {
  const canvas = h("canvas", { role: "img", width: SIZE.width, height: SIZE.height });
  const tab = (view, word) => h("button", { type: "button", class: "chip", "data-view": view, text: t(word), onclick: () => { chosen = view; draw(); } });
  const tabs = h("div", { class: "chips" }, tab("top", "program.path.top"), tab("space", "program.path.space"));
  const box = h("p", { class: "quiet" });
  const note = h("p", { class: "help" });
  const node = h("figure", { class: "path", hidden: true }, h("figcaption", { class: "view-head" }, h("h3", { text: t("program.path") }), tabs), canvas, box, note);
  let chosen = "top";
  let path = null;
  let turn = 0;

  function draw() {
    for (const one of tabs.children) setAttribute(one, "aria-pressed", String(one.dataset.view === chosen));
    if (!path) return;
    const scale = Math.min(2, globalThis.devicePixelRatio || 1);
    canvas.width = SIZE.width * scale;
    canvas.height = SIZE.height * scale;
    const style = getComputedStyle(node);
    const pen = canvas.getContext("2d");
    if (pen) paint(pen, path, VIEWS[chosen], scale, { ink: style.color, line: style.getPropertyValue("--line").trim(), cut: style.getPropertyValue("--bar-run").trim() });
  }

  return {
    node,
    /** Draw a text, or a File. */
    async update(program) {
      const mine = (turn += 1);
      const empty = !program || (typeof program === "string" ? program.trim() === "" : program.size === 0);
      path = null;
      if (empty) { show(node, false); return; }
      const long = typeof program === "string" ? program.length > BYTES : program.size > BYTES;
      const found = long ? null : readPath(typeof program === "string" ? program : await program.text());
      if (turn !== mine) return;
      show(node, long || found.ways > 0);
      show(canvas, !long);
      show(tabs, !long);
      show(box, !long);
      if (long) { setText(note, t("program.path.long")); return; }
      path = found;
      const axis = (index) => `${round(found.least[index])} … ${round(found.most[index])}`;
      const words = { x: axis(0), y: axis(1), z: axis(2) };
      setText(box, `X ${words.x} · Y ${words.y} · Z ${words.z} mm`);
      setAttribute(canvas, "aria-label", t("program.path.alt", words));
      setText(note, found.cut ? t("program.path.part", { count: count(found.ways) }) : t("program.path.legend"));
      draw();
    },
  };
}

function paint(pen, { points, kinds, ways, least, most }, project, scale, colours) {
  const { width, height } = pen.canvas;
  pen.clearRect(0, 0, width, height);
  const corners = [];
  for (const x of [least[0], most[0]]) for (const y of [least[1], most[1]]) for (const z of [least[2], most[2]]) corners.push(project(x, y, z));
  const low = [0, 1].map((index) => Math.min(...corners.map((one) => one[index])));
  const high = [0, 1].map((index) => Math.max(...corners.map((one) => one[index])));
  const margin = 24 * scale;
  const factor = Math.min((width - 2 * margin) / Math.max(high[0] - low[0], 1e-6), (height - 2 * margin) / Math.max(high[1] - low[1], 1e-6));
  const left = (width - (high[0] - low[0]) * factor) / 2;
  const bottom = (height + (high[1] - low[1]) * factor) / 2;
  const at = (x, y, z) => { const [u, v] = project(x, y, z); return [left + (u - low[0]) * factor, bottom - (v - low[1]) * factor]; };

  // the box in which it stays
  pen.lineWidth = scale;
  pen.strokeStyle = colours.line;
  const edge = (from, to) => { pen.beginPath(); pen.moveTo(...at(...from)); pen.lineTo(...at(...to)); pen.stroke(); };
  const end = (index, high) => (high ? most : least)[index];
  for (let corner = 0; corner < 8; corner += 1) {
    for (let index = 0; index < 3; index += 1) {
      if (corner & (1 << index)) continue;
      const from = [0, 1, 2].map((one) => end(one, corner & (1 << one)));
      const to = [...from];
      to[index] = most[index];
      edge(from, to);
    }
  }
  for (const kind of [0, 1]) {
    pen.beginPath();
    pen.setLineDash(kind === 0 ? [4 * scale, 4 * scale] : []);
    pen.strokeStyle = kind === 0 ? colours.ink : colours.cut;
    pen.globalAlpha = kind === 0 ? 0.35 : 1;
    pen.lineWidth = (kind === 0 ? 1 : 1.6) * scale;
    for (let way = 0; way < ways; way += 1) {
      if (kinds[way] !== kind) continue;
      const from = way * 3;
      pen.moveTo(...at(points[from], points[from + 1], points[from + 2]));
      pen.lineTo(...at(points[from + 3], points[from + 4], points[from + 5]));
    }
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  // where it begins
  const [x, y] = at(points[0], points[1], points[2]);
  pen.fillStyle = colours.ink;
  pen.beginPath();
  pen.arc(x, y, 3 * scale, 0, 7);
  pen.fill();
}

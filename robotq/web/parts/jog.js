// Moving a robot by hand: an axis moves for as long as a button is held. Every number that the
// daemon sends is sent back at once while it is; whatever may mean that it is not, lets it go.

import { get, post, robot as robotPath } from "../base/api.js";
import { h, setText, show } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { button, tell } from "../base/ui.js";

const SPEEDS = [1, 2, 5, 10, 20, 50, 100];
const NEAR_PX = 12;
const KEYS = [" ", "Enter"];

/** One connection for one press. */
class Press {
  constructor(robot, path, says) {
    this.robot = robot;
    this.held = true;
    this.says = says;
    const address = new URL(path, document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(address.href);
    this.socket.addEventListener("message", (event) => this.hear(JSON.parse(event.data)));
    this.socket.addEventListener("close", () => this.over(t("jog.lost")));
  }

  hear(said) {
    if (said.type === "beat") {
      if (this.held) this.socket.send(JSON.stringify({ n: said.n }));
      return;
    }
    const mm = said.moved_mm;
    this.over(typeof mm === "number" ? t("jog.moved", { message: said.message, mm: mm.toFixed(2) }) : said.message);
  }

  letGo() {
    if (!this.held) return;
    this.held = false;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ release: true }));
    else this.socket.close();
  }

  over(message) {
    this.held = false;
    if (this.says) this.says(message);
    this.says = null;
  }
}

let press = null;
/** The button under the finger, and where the finger was put down; null where keys hold it. */
let under = null;
/** Of all buttons of this page, one is held. */
function letGo() { press?.letGo(); press = null; under = null; }

/** A finger that has left its button has let it go. The page may have moved the button from under a
 * finger that stays where it is: then only the finger's own way counts. */
function strayed(event) {
  if (!under || under.node.contains(event.target)) return;
  if (Math.hypot(event.clientX - under.x, event.clientY - under.y) > NEAR_PX) letGo();
}

for (const name of ["blur", "pagehide", "offline"]) window.addEventListener(name, letGo);
for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, letGo, true);
window.addEventListener("pointermove", strayed, true);
document.documentElement.addEventListener("pointerleave", letGo);
document.addEventListener("visibilitychange", letGo);
live.on("state", () => { if (live.stale || !live.streaming) letGo(); });

function holdButton(label, name, begin) {
  const node = h("button", {
    type: "button", class: "jog", "aria-label": name, text: label,
    onpointerdown: (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      // a finger that leaves the button has let it go
      if (node.hasPointerCapture(event.pointerId)) node.releasePointerCapture(event.pointerId);
      begin();
      under = { node, x: event.clientX, y: event.clientY };
    },
    oncontextmenu: (event) => { event.preventDefault(); letGo(); },
    onkeydown: (event) => {
      if (!KEYS.includes(event.key)) { letGo(); return; }
      event.preventDefault();
      if (!event.repeat) begin();
    },
    onkeyup: letGo,
    onblur: letGo,
  });
  node.style.touchAction = "none";
  node.style.userSelect = "none";
  return node;
}

/** What is beside a robot whose queue is paused. */
export function jogPart(name) {
  let limits = null;
  const speed = h("select", { "aria-label": t("jog.speed") });
  const says = h("p", { class: "quiet", role: "status" });
  const begin = (axis, direction) => {
    letGo();
    setText(says, t("jog.moves"));
    const query = new URLSearchParams({ axis, direction, speed_mm_s: speed.value });
    press = new Press(name, `${robotPath(name, "jog")}?${query}`, (message) => setText(says, message));
  };
  const axes = ["x", "y", "z"].map((axis) => h("div", { class: "buttons" },
    ...[["minus", "−"], ["plus", "+"]].map(([direction, sign]) => holdButton(
      `${axis.toUpperCase()} ${sign}`, `${t("jog.axis", { axis: axis.toUpperCase(), sign: t(`jog.${direction}`) })}: ${name}`,
      () => begin(axis, direction)))));
  const home = button(t("jog.home"), async () => tell((await post("", { cmd_type: "HOME", params: { robot_id: name } })).message), { name: `${t("jog.home")} ${name}` });
  const inside = h("div", { hidden: true }, h("p", { class: "quiet", text: t("jog.hold") }), speed, ...axes, home);
  const node = h("details", { hidden: true, ontoggle: open }, h("summary", { text: t("jog") }), inside, says);

  async function open() {
    if (!node.open) { letGo(); return; }
    limits = (await get(`robots/${encodeURIComponent(name)}`)).jog ?? null;
    show(inside, limits !== null);
    if (limits === null) { setText(says, t("jog.cannot")); return; }
    const fits = SPEEDS.filter((one) => one <= limits.most_mm_s);
    speed.replaceChildren(...fits.map((one) => h("option", { value: one, text: t("jog.mm_s", { speed: one }), selected: one === fits.at(-2) })));
    setText(says, limits.most_mm ? t("jog.unhomed", { mm: limits.most_mm }) : "");
  }
  return {
    node,
    update(robot) {
      const may = live.may("control") && robot.running === null && robot.connected && !robot.simulated;
      show(node, may && robot.holds.some((hold) => hold.code === "paused"));
      if (node.hidden && press?.robot === name) letGo();
    },
  };
}

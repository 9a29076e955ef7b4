// Puts the page together: the bar, what needs attention, one view at a time, the drawer.

import { h, setText } from "../base/dom.js";
import { count, setStopLabel, t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { attention } from "./attention.js";
import { startCalls } from "./calls.js";
import { chartsView, hourPart } from "../views/charts.js";
import { fleetView } from "../views/fleet.js";
import { header, staleBanner, windowTitle } from "./header.js";
import { historyView } from "../views/history.js";
import { favouritesPart } from "../forms/favourites.js";
import { labPart } from "../parts/lab.js";
import { logView } from "../views/log.js";
import { keys } from "./keys.js";
import { login } from "./login.js";
import { phoneBar } from "./phone.js";
import { peopleView } from "../views/people.js";
import { endedPart, queueView } from "../views/queue.js";
import { lanes } from "../parts/robots.js";
import { stopFailure } from "./stop.js";
import { submitView } from "../views/submit.js";
import { taskDrawer } from "../views/task.js";
import { wallView } from "../views/wall.js";
import { whoBar } from "./who.js";
import { workersView } from "../views/workers.js";

function nowView() {
  const robots = lanes();
  const kept = favouritesPart();
  const lab = labPart();
  const ended = endedPart();
  const hour = hourPart();
  const counts = h("p", { class: "counts quiet" });
  const node = h("div", {}, h("h1", { class: "offscreen", text: t("view.now") }),
    kept.node, h("div", { class: "now" }, h("div", { class: "left-side" }, robots.node, hour.node), h("div", { class: "side" }, lab.node, ended.node)), counts);
  return {
    node,
    update(look) {
      robots.update(look);
      kept.update();
      lab.update(look);
      ended.update(look);
      hour.update();
      setText(counts, t("counts", {
        waiting: count(look.counts.pending), running: count(look.counts.running),
        completed: count(look.counts.completed), failed: count(look.counts.failed),
      }));
    },
    tick() { robots.tick(); },
  };
}

const served = (...names) => () => names.some((name) => live.look?.interfaces.includes(name));
const PRESENT = { people: served("checklist"), workers: served("task_queue", "orchestrator", "dispatcher"), fleet: served("fleet") };

let current = null;
let unbind = [];

function build() {
  for (const off of unbind) off();
  document.body.replaceChildren();
  current = null;
  const views = { now: nowView(), submit: submitView(), history: historyView(), charts: chartsView(), people: peopleView(), workers: workersView(), log: logView(), queue: queueView(), wall: wallView(), fleet: fleetView() };
  const tabs = ["now", "fleet", "submit", "history", "charts", "people", "workers", "log", "wall"].map((id) => ({ id, present: PRESENT[id] }));
  const skip = h("a", { class: "skip", href: "#main", text: t("skip"), onclick: (event) => { event.preventDefault(); main.focus(); } });
  const bar = header(tabs, { skip, onLanguage: () => { build(); live.refresh(); } });
  const stale = staleBanner();
  const needs = attention();
  const who = whoBar();
  const main = h("main", { id: "main", tabindex: -1 });
  const drawer = taskDrawer();
  const door = login();
  const failed = stopFailure();
  const thumb = phoneBar(tabs);
  const board = keys();
  const messages = h("div", { id: "messages", role: "status" });
  document.body.append(
    bar.node, stale.node, who.node, needs.node, main, drawer.node, door.node, messages, thumb.node, board.node, failed.node);
  failed.update();

  function route() {
    const [id, rest] = splitHash();
    if (id === "task") {
      if (!current) choose("now");
      if (live.look) drawer.open(rest, current.hash);
      return;
    }
    drawer.close();
    choose(views[id] ? id : home(), rest);
  }

  // a hub drives nothing, so what it shows is the fleet
  function home() {
    return live.look?.robots.length === 0 && PRESENT.fleet() ? "fleet" : "now";
  }

  function choose(id, rest) {
    const view = views[id];
    document.body.classList.toggle("on-wall", id === "wall");
    current = { id, view, hash: `#${id}${rest ? `/${encodeURIComponent(rest)}` : ""}` };
    if (main.firstChild !== view.node) {
      main.replaceChildren(view.node);
      // what is urgent stands at its top
      scrollTo(0, 0);
    }
    bar.select(id);
    thumb.select(id);
    if (live.look) { view.open?.(rest); view.update(live.look); }
  }

  let first = live.look === null;
  unbind = [
    board.off,
    live.on("look", (look) => {
      if (setStopLabel(look.stop_label)) { build(); return; }
      bar.update(); thumb.update(); stale.update(); door.update(); who.update();
      needs.update(look);
      if (first) { first = false; route(); } else current?.view.update(look);
      document.title = windowTitle(look);
    }),
    live.on("state", () => { bar.update(); stale.update(); door.update(); document.title = windowTitle(live.look); }),
    live.on("tick", () => { bar.tick(); stale.update(); current?.view.tick?.(); }),
    live.on("event", (event) => { drawer.event(event); current?.view.event?.(event); }),
  ];
  addEventListener("hashchange", route);
  unbind.push(() => removeEventListener("hashchange", route));
  // what lies over the page begins below the bar, which is two rows high on a phone
  const watcher = new ResizeObserver(() => document.documentElement.style.setProperty("--bar", `${bar.node.offsetHeight}px`));
  watcher.observe(bar.node);
  unbind.push(() => watcher.disconnect());
  bar.update();
  route();
  if (live.look) { needs.update(live.look); stale.update(); }
}

function splitHash() {
  const [id, ...rest] = location.hash.slice(1).split("/");
  return [id, decodeURIComponent(rest.join("/"))];
}

build();
live.start();
startCalls();

// Calls somebody who does not look: a sound, and a message of the browser. Only where this browser
// was asked to, and only until somebody has acknowledged the alarm or wants no sound of it.

import { h, icon, setAttribute } from "../base/dom.js";
import { keep, t } from "../base/i18n.js";
import { live } from "../base/live.js";

const AGAIN_MS = { high: 4000, medium: 20000 }; // between two sounds; what is low makes none
const NOTES = { high: [880, 660, 880], medium: [520, 390] }; // Hz
const NOTE_S = 0.18;

let wanted = false;
try { wanted = localStorage.getItem("robotq.calls") === "on"; } catch { /* then it is off */ }
let audio = null;
let soundAt = 0;
let told = new Set();

const calls = (alarm) => alarm.priority in AGAIN_MS && !alarm.acknowledged_by && !alarm.shelved_until_ms;

/** A browser lets a page sound only after somebody has pressed something. */
function awake() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

function sound(priority) {
  if (audio?.state !== "running") return;
  NOTES[priority].forEach((pitch, at) => {
    const tone = audio.createOscillator();
    const level = audio.createGain();
    const from = audio.currentTime + at * NOTE_S;
    tone.frequency.value = pitch;
    level.gain.setValueAtTime(0, from);
    level.gain.linearRampToValueAtTime(0.25, from + 0.02);
    level.gain.linearRampToValueAtTime(0, from + NOTE_S);
    tone.connect(level).connect(audio.destination);
    tone.start(from);
    tone.stop(from + NOTE_S);
  });
  document.documentElement.dataset.sounded = String(Number(document.documentElement.dataset.sounded || 0) + 1);
}

function show(alarm) {
  if (!document.hidden || typeof Notification !== "function" || Notification.permission !== "granted") return;
  const title = t("calls.title", { robot: alarm.robot_id ?? t("calls.all") });
  // one of the same alarm takes the place of the other, in however many windows
  const message = new Notification(title, { tag: alarm.id });
  message.onclick = () => { window.focus(); message.close(); };
}

function look() {
  const alarms = (live.look?.alarms ?? []).filter(calls);
  const ids = new Set(alarms.map((alarm) => alarm.id));
  const fresh = alarms.filter((alarm) => !told.has(alarm.id));
  told = ids;
  const priority = alarms.some((alarm) => alarm.priority === "high") ? "high" : "medium";
  const calling = wanted && !live.locked && alarms.length > 0;
  setAttribute(document.documentElement, "data-calling", calling ? priority : null);
  if (!wanted || live.locked) return;
  fresh.forEach(show);
  if (!alarms.length) { soundAt = 0; return; }
  if (!fresh.length && Date.now() - soundAt < AGAIN_MS[priority]) return;
  soundAt = Date.now();
  sound(priority);
}

/** The button that asks for it, for the tools of the bar. */
export function callsButton() {
  const label = () => {
    const text = t(wanted ? "calls.on" : "calls.off");
    setAttribute(node, "aria-pressed", String(wanted));
    setAttribute(node, "aria-label", text);
    setAttribute(node, "title", text);
    node.replaceChildren(icon(wanted ? "bell" : "bellOff"));
  };
  const node = h("button", { type: "button", class: "plain", id: "calls", onclick: () => {
    wanted = !wanted;
    keep("calls", wanted ? "on" : "off");
    label();
    if (!wanted) return;
    awake();
    sound("medium");
    if (typeof Notification === "function" && Notification.permission === "default") Notification.requestPermission();
  } });
  label();
  return node;
}

/** Begins to listen; returns what ends it. */
export function startCalls() {
  const wake = () => { if (wanted) awake(); };
  const offs = [live.on("look", look), live.on("tick", look)];
  addEventListener("pointerdown", wake);
  addEventListener("keydown", wake);
  return () => { for (const off of offs) off(); removeEventListener("pointerdown", wake); removeEventListener("keydown", wake); };
}

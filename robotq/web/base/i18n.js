// The language of the page. Texts of the daemon come in it too, by Accept-Language.

import { WORDS } from "./words.js";

let chosen = document.documentElement.lang === "zh" ? "zh" : "en";

export const language = () => chosen;

const kept = (name) => {
  try { return localStorage.getItem(`robotq.${name}`); } catch { return null; }
};
let stopLabel = kept("stop-label") || "stop";

/** How this site calls the stop; kept, so that a page that begins without contact knows it. Says
 * whether it has changed. */
export function setStopLabel(value) {
  if (value === stopLabel) return false;
  stopLabel = value;
  document.documentElement.dataset.stop = value;
  keep("stop-label", value);
  return true;
}
document.documentElement.dataset.stop = stopLabel;

/** Where the page keeps a choice of this browser; not everybody lets it. */
export function keep(name, value) {
  try { localStorage.setItem(`robotq.${name}`, value); } catch { /* then it holds for this page */ }
}

export function setLanguage(value) {
  chosen = value;
  document.documentElement.lang = value;
  keep("language", value);
}

/** The text of `key`, with `{names}` filled in. */
export function t(key, args = {}) {
  const row = WORDS[`${key}@${stopLabel}`] || WORDS[key];
  if (!row) return key;
  return row[chosen === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => args[name] ?? "");
}

/** The title of a command in this language, else its name. */
export function titleOf(specs, cmdType) {
  const title = specs.get(cmdType)?.title || {};
  return title[chosen] || title.en || title.zh || cmdType;
}

/** A step as people say it: GRABBING_BOTTLE is Grabbing bottle. */
export function stepName(name) {
  const row = WORDS[`step.${name}`];
  if (row) return row[chosen === "zh" ? 1 : 0];
  const words = name.replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The name of a parameter as people say it; one that nobody knows is shown as it is. */
export function fieldName(name) {
  const row = WORDS[`field.${name}`];
  return row ? row[chosen === "zh" ? 1 : 0] : name.replaceAll("_", " ");
}

/** What a schema says of a parameter; as its author wrote it where nobody has translated it. */
export function aboutText(text) {
  const row = WORDS[`about.${text}`];
  return row ? row[chosen === "zh" ? 1 : 0] : text;
}

const pad = (number) => String(number).padStart(2, "0");

/** Seconds as `1 h 05 min`, `3 min 20 s`, `8 s`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  const [hour, minute, second] = chosen === "zh" ? ["小时", "分", "秒"] : ["h", "min", "s"];
  if (whole >= 86400) {
    const days = Math.floor(whole / 86400);
    return `${days} ${chosen === "zh" ? "天" : "d"} ${Math.floor((whole % 86400) / 3600)} ${hour}`;
  }
  if (whole >= 3600) return `${Math.floor(whole / 3600)} ${hour} ${pad(Math.floor((whole % 3600) / 60))} ${minute}`;
  if (whole >= 60) return `${Math.floor(whole / 60)} ${minute} ${pad(whole % 60)} ${second}`;
  if (whole < 10 && seconds >= .05 && seconds % 1) return `${seconds.toFixed(1)} ${second}`;
  return `${whole} ${second}`;
}

/** What passes while somebody looks: whole seconds, so that nothing flickers. */
export const passing = (seconds) => duration(Number.isFinite(seconds) ? Math.floor(Math.max(0, seconds)) : seconds);

/** A time of day; with the date where it is another day. */
export function clock(ms, { seconds = false } = {}) {
  if (!ms) return "–";
  const at = new Date(ms);
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}${seconds ? `:${pad(at.getSeconds())}` : ""}`;
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

export const count = (number) => new Intl.NumberFormat(chosen === "zh" ? "zh-CN" : "en").format(number);

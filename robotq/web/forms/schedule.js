// When a command runs: now, at a time, every day at a time; until when it may start, and with
// which priority. Times that are sent have their distance to UTC, so that the daemon may have
// another clock than the browser.

import { h, setText, show } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { live } from "../base/live.js";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WHENS = ["now", "at", "daily"];
const WITHIN = [[900, "form.minutes", 15], [3600, "form.hours", 1], [14400, "form.hours", 4], [43200, "form.hours", 12]];

const pad = (number) => String(number).padStart(2, "0");
const local = (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;

/** A time of an input as ISO 8601 with the distance to UTC that this browser has then. */
export function withOffset(value) {
  const at = new Date(value);
  const minutes = -at.getTimezoneOffset();
  const off = Math.abs(minutes);
  return `${local(at)}:00${minutes < 0 ? "-" : "+"}${pad(Math.floor(off / 60))}:${pad(off % 60)}`;
}

const isOver = (now) => new Date(now).getHours() >= 22;

/** 22:00 of today, of tomorrow where that is over. */
export function tonight(now) {
  const at = new Date(now);
  at.setHours(22, 0, 0, 0);
  if (at.getTime() <= now) at.setDate(at.getDate() + 1);
  return local(at);
}

export function schedulePart({ changed, clockOfDaemon }) {
  const choice = (id, options) => h("select", { id }, options);
  const field = (id, word, input, ...more) => h("div", { class: "field" }, h("label", { for: id, text: t(word) }), input, ...more);
  const when = choice("submit-when", WHENS.map((one) => h("option", { value: one, text: t(`form.when.${one}`) })));
  const at = h("input", { id: "submit-at", type: "datetime-local" });
  const late = h("button", { type: "button", class: "small", onclick: () => { at.value = tonight(live.now()); changed(); } });
  const time = h("input", { id: "submit-time", type: "time", value: "22:00" });
  const days = DAYS.map((day) => {
    const input = h("input", { type: "checkbox", id: `submit-day-${day}` });
    input.checked = true;
    return { day, input, node: h("label", { class: "inline", for: `submit-day-${day}` }, input, h("span", { text: t(`form.day.${day}`) })) };
  });
  const within = choice("submit-within", WITHIN.map(([seconds, word, number]) => h("option", { value: seconds, text: t(word, { count: number }), selected: seconds === 3600 })));
  const zone = h("p", { class: "help" });
  const expires = h("input", { id: "submit-expires", type: "datetime-local" });
  const priority = choice("submit-priority", [["low", "submit.low"], ["normal", "submit.normal"], ["high", "submit.high"]].map(([value, word]) => h("option", { value, text: t(word), selected: value === "normal" })));
  const atField = field("submit-at", "form.at", at, late);
  const timeField = field("submit-time", "form.time", time);
  const daysField = h("fieldset", { class: "days" }, h("legend", { text: t("form.days") }), h("div", { class: "day-row" }, days.map((one) => one.node)));
  const withinField = field("submit-within", "form.within", within);
  const expiresField = field("submit-expires", "form.expires", expires);
  const node = h("fieldset", { class: "schedule" }, h("legend", { text: t("form.when") }),
    h("div", { class: "two" }, field("submit-when", "form.start", when), field("submit-priority", "submit.priority", priority)),
    h("div", { class: "two" }, atField, timeField, withinField, expiresField), daysField, zone);

  function look() {
    setText(late, t(isOver(live.now()) ? "form.tomorrow" : "form.tonight"));
    show(atField, when.value === "at");
    show(timeField, when.value === "daily");
    show(withinField, when.value === "daily");
    show(daysField, when.value === "daily");
    show(zone, when.value === "daily");
    show(expiresField, when.value !== "daily");
    if (when.value === "daily") clockOfDaemon().then((text) => setText(zone, text), () => setText(zone, ""));
  }
  when.addEventListener("change", look);
  node.addEventListener("input", changed);
  node.addEventListener("change", changed);
  look();

  return {
    node,
    /** Whether it is to run by the clock, again and again. */
    daily: () => when.value === "daily",
    /** What a command says of its time. */
    keys() {
      const keys = {};
      if (when.value === "at" && at.value) keys.not_before = withOffset(at.value);
      if (when.value !== "daily" && expires.value) keys.expires_at = withOffset(expires.value);
      if (priority.value !== "normal") keys.priority = priority.value;
      return keys;
    },
    /** What a repeat says of its times. */
    repeat() {
      const chosen = days.filter((one) => one.input.checked).map((one) => one.day);
      return { at: time.value, ...(chosen.length < DAYS.length ? { days: chosen } : {}), within_s: Number(within.value) };
    },
    /** The input that lacks what it has to say; null where none does. */
    missing() {
      if (when.value === "at" && !at.value) return at;
      if (when.value === "daily" && !time.value) return time;
      if (when.value === "daily" && !days.some((one) => one.input.checked)) return days[0].input;
      return null;
    },
    allow(queued) { show(node, queued); if (!queued) { when.value = "now"; look(); } },
    reset() { when.value = "now"; at.value = ""; expires.value = ""; priority.value = "normal"; look(); },
  };
}

// What both pages share. A text of the daemon only ever becomes the text of a node.

const chinese = (navigator.language || "").toLowerCase().startsWith("zh");

/** The text in the language of the browser. */
export const say = (en, zh) => (chinese ? zh : en);

/** Put the page into the language of the browser. */
export function translate() {
  if (!chinese) return;
  document.documentElement.lang = "zh-CN";
  for (const node of document.querySelectorAll("[data-zh]")) node.textContent = node.dataset.zh;
}

export const byId = (id) => document.getElementById(id);

/** An element with a text. */
export function part(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== null && text !== undefined) node.textContent = String(text);
  if (className) node.className = className;
  return node;
}

/** `1.2 s`, `340 ms` */
export const duration = (ms) =>
  ms === null || ms === undefined ? "–" : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

export const clock = (ms) => new Date(ms).toLocaleTimeString();

/** JSON as people read it; what is no JSON, because it was cut, as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text ?? "";
  }
}

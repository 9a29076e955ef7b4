// Elements. A text of the daemon only ever becomes the text of a node, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An element; `on…` attributes are listeners, `text` is its text, null leaves one out. */
export const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

/** The same for a drawing. */
export const s = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/** Set a text where it has changed: a reader or a selection is not disturbed without need. */
export function setText(node, text) {
  const value = text === null || text === undefined ? "" : String(text);
  if (node.textContent !== value) node.textContent = value;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

export const show = (node, visible) => { if (node.hidden === Boolean(visible)) node.hidden = !visible; };

const parts = new WeakMap();

/**
 * Keep the children of `box` in step with `items`: `make(item)` gives `{node, update}`, which is
 * used again for as long as an item of the same key is there, so that focus and input stay.
 */
export function list(box, items, keyOf, make) {
  const before = parts.get(box) || new Map();
  const after = new Map();
  let at = box.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    if (after.has(key)) continue;
    const part = before.get(key) || make(item);
    after.set(key, part);
    before.delete(key);
    part.update?.(item);
    if (part.node === at) at = at.nextSibling;
    else box.insertBefore(part.node, at);
  }
  for (const part of before.values()) { part.node.remove(); part.gone?.(); }
  parts.set(box, after);
}

/** Forget what `list` knows of a box and empty it. */
export function clear(box) {
  parts.delete(box);
  box.replaceChildren();
}

const PATHS = {
  stop: "M8 3h8l5 5v8l-5 5H8l-5-5V8z",
  stopDead: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM2 2l20 20M22 2L2 22",
  send: "M4 12h14M12 5l7 7-7 7",
  more: "M5 12v.5M12 12v.5M19 12v.5",
  grip: "M9 6v.5M15 6v.5M9 12v.5M15 12v.5M9 18v.5M15 18v.5",
  home: "M3 11l9-8 9 8M5.5 9.5V20h13V9.5",
  plus: "M12 4v16M4 12h16",
  pause: "M8 5v14M16 5v14",
  play: "M7 4l13 8-13 8z",
  cross: "M5 5l14 14M19 5L5 19",
  check: "M4 12.5l5.5 5.5L20 6.5",
  up: "M12 19V5M5 12l7-7 7 7",
  down: "M12 5v14M5 12l7 7 7-7",
  top: "M12 21V9M6 14l6-6 6 6M5 3h14",
  warn: "M12 3l10 18H2zM12 10v5M12 18v.5",
  ask: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.5M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19z",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  sun: "M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM12 1.5v2.5M12 20v2.5M1.5 12H4M20 12h2.5M4.6 4.6l1.8 1.8M17.6 17.6l1.8 1.8M4.6 19.4l1.8-1.8M17.6 6.4l1.8-1.8",
  key: "M8 10.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM11.5 12L21 2.5M17 6.5l3 3",
  clock: "M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19zM12 7v5.5l3.5 2",
  bell: "M18 16V11a6 6 0 0 0-12 0v5l-2 2.5h16zM10 21.5h4",
  bellOff: "M18 16V11a6 6 0 0 0-12 0v5l-2 2.5h16zM10 21.5h4M3 3l18 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  star: "M12 3l2.7 5.8 6.3.8-4.6 4.3 1.2 6.3-5.6-3.1-5.6 3.1 1.2-6.3L3 9.6l6.3-.8z",
  retry: "M20 11a8 8 0 1 0-2.3 6.3M20 4v7h-7",
};

/** A small line drawing beside a word; readers pass over it. */
export const icon = (name) =>
  s("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: PATHS[name] }));

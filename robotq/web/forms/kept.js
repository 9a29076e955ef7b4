// What this browser keeps for whoever uses it: favourites, and which commands came last.

import { keep } from "../base/i18n.js";

const FAVOURITES = 24;
const LATELY = 6;
const BYTES = 8000; // a favourite is a few parameters and no program

const listeners = new Set();

function read(name) {
  try {
    const found = JSON.parse(localStorage.getItem(`robotq.${name}`) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch { return []; }
}

function write(name, value) {
  keep(name, JSON.stringify(value));
  for (const listener of listeners) listener();
}

/** Call when favourites have changed; gives what ends that. */
export function onKept(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
addEventListener("storage", () => { for (const listener of listeners) listener(); });

const isFavourite = (one) => one && typeof one.cmd_type === "string" && typeof one.params === "object" && one.params !== null;

export const favourites = () => read("favourites").filter(isFavourite);
const same = (one, other) => JSON.stringify([one.cmd_type, one.robot_id ?? null, one.params]) === JSON.stringify([other.cmd_type, other.robot_id ?? null, other.params]);
export const isKept = (one) => favourites().some((other) => same(one, other));

/** Keep a command with its parameters, or forget it; says whether it is kept now. */
export function toggleFavourite(one) {
  const before = favourites();
  if (before.some((other) => same(one, other))) {
    write("favourites", before.filter((other) => !same(one, other)));
    return false;
  }
  if (JSON.stringify(one).length > BYTES) return false;
  write("favourites", [one, ...before].slice(0, FAVOURITES));
  return true;
}

export const lately = () => read("lately").filter((name) => typeof name === "string");
export const usedNow = (cmdType) => write("lately", [cmdType, ...lately().filter((one) => one !== cmdType)].slice(0, LATELY));

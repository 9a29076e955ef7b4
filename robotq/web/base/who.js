// Who sits at this browser: the name under which the journal keeps what is done here, where
// nobody needs a key. It opens nothing; it is asked for once, and kept.

import { keep } from "./i18n.js";

const LONGEST = 64;

/** The name that was said here: empty where somebody wants none, null where nobody was asked. */
export function whoIsHere() {
  try {
    return localStorage.getItem("robotq.who") ?? asked;
  } catch {
    return asked;
  }
}

let asked = null;

/** Keep the name of whoever is here. */
export function sayWho(name) {
  asked = name.trim().replace(/\s+/g, " ").slice(0, LONGEST);
  keep("who", asked);
}

/** The header that tells it. Only ASCII stands in a header. */
export function whoHeaders() {
  try {
    const name = whoIsHere();
    return name ? { "X-Robotq-Name": encodeURIComponent(name) } : {};
  } catch {
    // half a character cannot be sent; a stop goes out all the same
    return {};
  }
}

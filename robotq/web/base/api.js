// Requests to the daemon that serves this page. Its address is where the page came from.

import { language } from "./i18n.js";
import { whoHeaders } from "./who.js";

export class Refused extends Error {
  constructor(status, body) {
    super(body.message || `HTTP ${status}`);
    this.status = status;
    this.code = body.error_code || null;
    this.body = body;
  }
}

/** Given up, so that a stop gets its connection. */
export class GivenUp extends Error {}

const pending = new Set();

/** Give up every request that is under way: each one has one of the few connections. */
export function giveUpRequests() {
  for (const request of pending) request.abort(new GivenUp());
}

/** What a request answers with. Throws Refused, GivenUp, or the error of a connection that is
 * not there. */
export async function ask(method, path, body, { headers = {}, timeoutMs = 15000 } = {}) {
  const request = new AbortController();
  const timer = setTimeout(() => request.abort(new DOMException("no answer", "TimeoutError")), timeoutMs);
  pending.add(request);
  try {
    const response = await fetch(path, {
      method,
      headers: { "Accept-Language": language(), ...whoHeaders(), ...headers },
      // a file goes as it is
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
      signal: request.signal,
    });
    const answer = await answerOf(response);
    if (answer.not_told?.length) dispatchEvent(new CustomEvent("nottold", { detail: answer.not_told }));
    return answer;
  } finally {
    clearTimeout(timer);
    pending.delete(request);
  }
}

/** What is at a path, as a picture for an <img>. It is given up with all other requests. Throws. */
export async function picture(path) {
  const request = new AbortController();
  pending.add(request);
  try {
    const response = await fetch(path, { credentials: "same-origin", signal: request.signal });
    if (!response.ok) throw new Refused(response.status, {});
    return URL.createObjectURL(await response.blob());
  } finally {
    pending.delete(request);
  }
}

/** The body of an answer; throws Refused where it is no success. */
export async function answerOf(response) {
  let answer = {};
  try {
    answer = await response.json();
  } catch (error) {
    if (error instanceof GivenUp || (response.ok && response.status !== 204)) throw error;
  }
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

export const get = (path, options) => ask("GET", path, undefined, options);
export const post = (path, body = {}, options) => ask("POST", path, body, options);

/** A path with what is in `parameters`, empty ones left out. */
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== null && value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** A name that nobody has used: a repeated request with it is done once. */
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `dashboard-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export const task = (taskId, action = "") =>
  `task/${encodeURIComponent(taskId)}${action ? `/${action}` : ""}`;
export const artifact = (taskId, name) => task(taskId, `artifacts/${encodeURIComponent(name)}`);
export const robot = (name, action) => `robots/${encodeURIComponent(name)}/${action}`;

// What the page knows of the daemon: asked for when something has happened and every few
// seconds besides, so that silence is noticed.

import { get, Refused, withQuery } from "./api.js";

const REST_MS = 400; // between two looks, however much happens
const PULSE_MS = 3000; // a look without any event
const STALE_MS = 8000; // without an answer for so long, what is shown is old
const HIDDEN_MS = 60000; // a page that nobody sees gives its stream back
const KEPT = 500; // events

export class Live {
  constructor() {
    this.look = null;
    this.events = [];
    this.specs = new Map();
    this.specsAreOld = true;
    this.offsetMs = 0;
    this.answeredAt = 0;
    this.stale = false;
    this.streaming = false;
    this.locked = false;
    this.listeners = { look: new Set(), event: new Set(), state: new Set(), tick: new Set() };
    this.lastId = null;
    this.source = null;
    this.tries = 0;
    this.asking = false;
    this.wanted = false;
    this.lookedAt = 0;
    this.timer = null;
  }

  on(what, listener) {
    this.listeners[what].add(listener);
    return () => this.listeners[what].delete(listener);
  }

  tell(what, ...args) {
    for (const listener of this.listeners[what]) listener(...args);
  }

  /** Milliseconds since 1970 by the clock of the daemon. */
  now() { return Date.now() + this.offsetMs; }

  may(scope) {
    const you = this.look?.you;
    return !you || you.scopes.includes(scope) || you.scopes.includes("admin");
  }

  start() {
    this.refresh();
    setInterval(() => { this.watch(); if (!document.hidden) this.tell("tick"); }, 1000);
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.hiding);
      if (document.hidden) this.hiding = setTimeout(() => this.disconnect(), HIDDEN_MS);
      else { this.refresh(); this.connect(); }
    });
  }

  /** Look soon: at once where there was a rest, and once for all that comes meanwhile. */
  refresh() {
    if (this.asking || this.timer) { this.wanted = true; return; }
    const waitMs = Math.max(0, this.lookedAt + REST_MS - Date.now());
    this.timer = setTimeout(() => { this.timer = null; this.ask(); }, waitMs);
  }

  async ask() {
    this.asking = true;
    this.wanted = false;
    const sentAt = Date.now();
    const look = await this.fetchLook();
    this.asking = false;
    // a slow daemon is asked less often
    this.lookedAt = Date.now() + 2 * (Date.now() - sentAt);
    if (this.wanted && !this.locked && !document.hidden) this.refresh();
    if (look) {
      this.offsetMs = look.at_ms - (sentAt + Date.now()) / 2;
      this.take(look);
    }
  }

  async fetchLook() {
    try {
      const look = await get("dashboard/look", { timeoutMs: 6000 });
      if (this.specsAreOld) await this.readCommands();
      return look;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        this.locked = true;
        this.disconnect();
        this.tell("state");
      }
      // whatever else it is, the silence is told when it lasts
      this.watch();
      return null;
    }
  }

  take(look) {
    this.answeredAt = Date.now();
    this.locked = false;
    this.look = look;
    this.queueRevision = look.queue_revision;
    // a little of what was before; and not all of a night that this page slept through
    if (this.lastId === null || look.last_event_id - this.lastId > 2 * KEPT) {
      this.lastId = Math.max(0, look.last_event_id - 100);
    }
    this.connect();
    this.setStale(false);
    this.tell("look", look);
  }

  async readCommands() {
    const { commands } = await get("commands");
    this.specs = new Map(commands.map((spec) => [spec.cmd_type, spec]));
    this.specsAreOld = false;
  }

  watch() {
    const silentMs = Date.now() - Math.max(this.answeredAt, this.startedAt ?? (this.startedAt = Date.now()));
    if (!this.locked && silentMs > STALE_MS) this.setStale(true);
    if (!this.locked && !document.hidden && Date.now() - this.lookedAt > PULSE_MS) this.refresh();
  }

  setStale(stale) {
    if (stale !== this.stale) { this.stale = stale; this.tell("state"); }
  }

  connect() {
    if (this.source || this.locked || document.hidden || this.lastId === null) return;
    const source = new EventSource(withQuery("events", { last_event_id: this.lastId }));
    this.source = source;
    source.onopen = () => { this.streaming = true; this.tries = 0; this.tell("state"); };
    source.onmessage = (message) => this.hear(message);
    source.onerror = () => {
      this.disconnect();
      // our own rest, because browsers give up for good where a daemon answers with an error
      this.tries += 1;
      clearTimeout(this.again);
      this.again = setTimeout(() => { this.connect(); this.refresh(); }, Math.min(500 * 2 ** this.tries, 8000));
    };
  }

  disconnect() {
    this.source?.close();
    this.source = null;
    if (this.streaming) { this.streaming = false; this.tell("state"); }
  }

  hear(message) {
    const event = JSON.parse(message.data);
    this.lastId = event.id;
    this.events.push(event);
    if (this.events.length > KEPT) this.events.splice(0, this.events.length - KEPT);
    if (event.kind === "config.reloaded" || event.kind === "daemon.started") this.specsAreOld = true;
    this.tell("event", event);
    this.refresh();
  }
}

export const live = new Live();

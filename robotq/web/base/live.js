// What the page knows of the daemon: asked for when something has happened and every few
// seconds besides, so that silence is noticed.

import { get, GivenUp, giveUpRequests, Refused } from "./api.js";
import { Stream } from "./stream.js";

const REST_MS = 400; // between two looks, however much happens
const PULSE_MS = 3000; // a look without any event
const STALE_MS = 8000; // without an answer for so long, what is shown is old
const SLOW_MS = 2500; // a look that takes longer than this may be no contact at all
const HIDDEN_MS = 30000; // between two looks of a page that nobody sees: its title is still seen
const STOP_REST_MS = 1500; // nothing else is asked for while a stop is on its way
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
    /** Whether the daemon has answered when it was asked last; null where it is not known. */
    this.contact = null;
    this.restUntil = 0;
    this.locked = false;
    this.listeners = { look: new Set(), event: new Set(), state: new Set(), tick: new Set() };
    this.lastId = null;
    this.stream = new Stream({
      since: () => this.lastId ?? 0,
      hear: (event) => this.hear(event),
      state: (word) => this.heardOfStream(word),
    });
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

  get streaming() { return this.stream.open; }

  start() {
    this.refresh();
    setInterval(() => { this.watch(); if (!document.hidden) this.tell("tick"); }, 1000);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) { this.disconnect(); return; }
      this.connect();
      this.refresh();
    });
    addEventListener("pagehide", () => this.disconnect());
    addEventListener("pageshow", () => { this.connect(); this.refresh(); });
    addEventListener("offline", () => this.setContact(false));
    if (typeof BroadcastChannel !== "function") return;
    this.stops = new BroadcastChannel("robotq stop");
    this.stops.onmessage = () => this.makeWay();
  }

  /** Give up everything that has a connection, in every page of this browser: a stop needs one. */
  makeWayForStop() {
    this.stops?.postMessage("stop");
    this.makeWay();
  }

  makeWay() {
    this.restUntil = Date.now() + STOP_REST_MS;
    this.stream.rest(STOP_REST_MS);
    giveUpRequests();
  }

  /** Look soon: at once where there was a rest, and once for all that comes meanwhile. */
  refresh() {
    if (this.asking || this.timer) { this.wanted = true; return; }
    const waitMs = Math.max(0, this.lookedAt + REST_MS - Date.now(), this.restUntil - Date.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      if (Date.now() < this.restUntil) this.refresh();
      else this.ask();
    }, waitMs);
  }

  async ask() {
    this.asking = true;
    this.wanted = false;
    const sentAt = Date.now();
    const slow = setTimeout(() => this.setContact(false), SLOW_MS);
    const look = await this.fetchLook();
    clearTimeout(slow);
    this.asking = false;
    // a slow daemon is asked less often
    this.lookedAt = Date.now() + 2 * (Date.now() - sentAt);
    if (look) {
      this.offsetMs = look.at_ms - (sentAt + Date.now()) / 2;
      this.take(look);
    }
    if (this.wanted && !this.locked && !document.hidden) this.refresh();
  }

  async fetchLook() {
    try {
      const look = await get("dashboard/look", { timeoutMs: 6000 });
      if (this.specsAreOld) await this.readCommands();
      return look;
    } catch (error) {
      if (error instanceof GivenUp) {
        this.wanted = true;
        return null;
      }
      if (error instanceof Refused && error.status === 401) {
        this.locked = true;
        this.disconnect();
        this.tell("state");
      }
      this.setContact(false);
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
    this.setContact(true);
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
    const restMs = document.hidden ? HIDDEN_MS : PULSE_MS;
    if (!this.locked && Date.now() - this.lookedAt > restMs) this.refresh();
  }

  setStale(stale) {
    if (stale !== this.stale) { this.stale = stale; this.tell("state"); }
  }

  /** A control that would reach nobody shows it at once, long before what is shown is old. */
  setContact(contact) {
    if (contact !== this.contact) { this.contact = contact; this.tell("state"); }
  }

  connect() {
    if (this.locked || document.hidden || this.lastId === null) return;
    this.stream.join();
  }

  disconnect() {
    this.stream.part();
    this.tell("state");
  }

  heardOfStream(word) {
    if (word === "lost") {
      this.setContact(false);
      this.lookedAt = 0;
      this.refresh();
    }
    this.tell("state");
  }

  hear(event) {
    // the page that had the stream before may have told of it
    if (this.lastId !== null && event.id <= this.lastId) return;
    this.lastId = event.id;
    this.events.push(event);
    if (this.events.length > KEPT) this.events.splice(0, this.events.length - KEPT);
    if (event.kind === "config.reloaded" || event.kind === "daemon.started") this.specsAreOld = true;
    this.tell("event", event);
    this.refresh();
  }
}

export const live = new Live();

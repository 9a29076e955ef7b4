// The stream of events: one for all pages of this browser. A browser opens six connections to
// an address over plain HTTP/1.1, so with one for each page the sixth page could not stop a robot.

import { withQuery } from "./api.js";
import { stand } from "./lead.js";

const KEPT = 500; // events that a page which comes later may ask for
const NAME = `robotq ${location.pathname}`;

export class Stream {
  /** `since()` is the id of the latest known event, `hear(event)` takes a newer one, `state(word)`
   * is told `open`, and `lost` when the stream broke. */
  constructor({ since, hear, state }) {
    this.since = since;
    this.hear = hear;
    this.state = state;
    this.leave = null;
    this.leads = false;
    this.source = null;
    this.open = false;
    this.tries = 0;
    this.again = null;
    this.kept = [];
    if (typeof BroadcastChannel !== "function") return;
    this.channel = new BroadcastChannel(`${NAME} events`);
    this.channel.onmessage = ({ data }) => this.listen(data);
  }

  /** Take part: have the stream, or be told by the page that has it. */
  join() {
    if (this.leave) return;
    this.leave = stand(NAME, () => this.lead(), () => this.drop());
    this.say({ what: "hello", since: this.since() });
  }

  /** Give the stream back. */
  part() {
    this.leave?.();
    this.leave = null;
    this.drop();
    this.open = false;
  }

  /** Close the connection for a moment, because something else needs it. */
  rest(ms) {
    if (!this.leads) return;
    this.cut();
    this.again = setTimeout(() => this.connect(), ms);
  }

  lead() {
    this.leads = true;
    this.tries = 0;
    this.connect();
  }

  drop() {
    this.leads = false;
    this.cut();
  }

  cut() {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }

  connect() {
    this.cut();
    if (!this.leads) return;
    const source = new EventSource(withQuery("events", { last_event_id: this.since() }));
    this.source = source;
    source.onopen = () => { this.tries = 0; this.tell("open"); };
    source.onmessage = (message) => {
      const event = JSON.parse(message.data);
      this.keep(event);
      this.say({ what: "events", events: [event] });
      this.hear(event);
    };
    source.onerror = () => {
      this.cut();
      // our own rest, because browsers give up for good where a daemon answers with an error
      this.tries += 1;
      this.again = setTimeout(() => this.connect(), Math.min(500 * 2 ** this.tries, 8000));
      this.tell("lost");
    };
  }

  tell(word) {
    this.say({ what: "state", word });
    this.take(word);
  }

  take(word) {
    this.open = word === "open";
    this.state(word);
  }

  say(message) { this.channel?.postMessage(message); }

  keep(event) {
    this.kept.push(event);
    if (this.kept.length > KEPT) this.kept.splice(0, this.kept.length - KEPT);
  }

  listen(message) {
    if (message.what === "hello") {
      if (!this.leads || !this.open) return;
      const events = this.kept.filter((event) => event.id > message.since);
      if (events.length) this.say({ what: "events", events });
      this.say({ what: "state", word: "open" });
      return;
    }
    if (!this.leave || this.leads) return;
    if (message.what === "state") this.take(message.word);
    else for (const event of message.events) { this.keep(event); this.hear(event); }
  }
}

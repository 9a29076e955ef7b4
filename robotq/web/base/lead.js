// Which of this browser's pages does for all of them what only one should do. Web Locks say it
// where the page came encrypted or from this machine; elsewhere the pages agree by messages.

const BEAT_MS = 1000;
const SILENT_MS = 3200; // a leader that is not heard of for so long is gone

/**
 * Stand for the lead of `name`. `take()` is called when this page has it, `drop()` when it has to
 * give it up again. Returns `leave`: whoever is next takes over.
 */
export function stand(name, take, drop) {
  if (navigator.locks) return byLock(name, take);
  if (typeof BroadcastChannel === "function") return byVote(name, take, drop);
  take(); // a browser that has neither: each page for itself
  return () => {};
}

function byLock(name, take) {
  const asking = new AbortController();
  let left = false;
  let release = () => {};
  const held = () => new Promise((resolve) => {
    release = resolve;
    if (left) resolve();
    else take();
  });
  navigator.locks.request(name, { signal: asking.signal }, held).catch((error) => {
    if (!left) throw error;
  });
  return () => { left = true; asking.abort(); release(); };
}

function byVote(name, take, drop) {
  const me = Math.random();
  const channel = new BroadcastChannel(`${name} lead`);
  let leads = false;
  let beat = null;
  let timer = null;
  const say = (what) => channel.postMessage({ what, me });
  const later = (ms) => { clearTimeout(timer); timer = setTimeout(begin, ms); };

  function begin() {
    leads = true;
    say("lead");
    beat = setInterval(() => say("lead"), BEAT_MS);
    take();
  }
  channel.onmessage = ({ data }) => {
    if (leads && data.what === "lead" && data.me < me) {
      // two at once: the same one gives way at both ends
      leads = false;
      clearInterval(beat);
      drop();
      later(SILENT_MS + 500 * me);
    } else if (leads) {
      say("lead");
    } else if (data.what === "lead") {
      later(SILENT_MS + 500 * me);
    } else if (data.what === "gone") {
      later(100 * me);
    }
  };
  say("who");
  later(100 + 200 * me);
  return () => {
    clearTimeout(timer);
    clearInterval(beat);
    if (leads) say("gone");
    leads = false;
    channel.close();
  };
}

// What a robot is at, in one word, and how much that is out of the ordinary. The same word stands
// on the wall and on the card.

import { t } from "../base/i18n.js";

const BY_HOLD = [
  ["unresponsive", "silent", "bad"], ["outcome_unknown", "unknown", "bad"], ["disconnected", "offline", "bad"],
  ["store_unavailable", "disk", "bad"], ["not_configured", "absent", "bad"],
];
const WHEN_IDLE = [
  ["failure", "failed", "bad"], ["shutdown", "check", "warn"], ["does_not_fit", "misfit", "warn"],
  ["restarted", "paused", "warn"], ["paused", "paused", "warn"], ["stopping", "ending", "normal"],
];
const SIGNS = { stopped: "stop", paused: "pause", held: "pause", asks: "ask", manual: "ask", approve: "ask", working: "play" };

/** What a wait is about in the end: a batch waits for what its first command waits for. */
export const coreOf = (reason) => reason.because?.[0] ?? reason;

/** `{ state, tone, word, symbol }`; tone is normal, warn or bad. */
export function faceOf(robot) {
  const [state, tone] = stateOf(robot);
  return { state, tone, word: t(`face.${state}`), symbol: SIGNS[state] ?? (tone === "normal" ? null : "warn") };
}

function stateOf(robot) {
  const has = (code) => robot.holds.some((hold) => hold.code === code);
  if (has("estop")) return ["stopped", "bad"];
  const found = BY_HOLD.find(([code]) => has(code));
  if (found) return found.slice(1);
  if (!robot.connected) return ["offline", "bad"];
  if (robot.running?.waiting_for) return [robot.running.cmd_type === "MANUAL_STEP" ? "manual" : "asks", "warn"];
  if (robot.motion_held || has("motion_held")) return ["held", "warn"];
  if (robot.running) return ["working", "normal"];
  const idle = WHEN_IDLE.find(([code]) => has(code));
  if (idle) return idle.slice(1);
  const why = robot.why.map(coreOf);
  if (why.some((one) => one.code === "resource")) return ["blocked", "warn"];
  if (why.some((one) => one.code === "approval")) return ["approve", "warn"];
  return ["idle", "normal"];
}

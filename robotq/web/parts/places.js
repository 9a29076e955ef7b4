// Where a robot can be sent: the places that it has, by the command that drives it there.

import { freshKey, post } from "../base/api.js";
import { t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { tell } from "../base/ui.js";

const DRIVE = "NAVIGATION";
const FIRST = ["HOME", "CHARGER"];

/** The places of a robot, those that people send it to most often first. */
export function placesOf(robot) {
  if (!live.specs.get(DRIVE)?.robots.includes(robot.robot_id)) return [];
  return [...FIRST.filter((place) => robot.places.includes(place)), ...robot.places.filter((place) => !FIRST.includes(place))];
}

/** One choice for each place, for a menu. */
export function sendChoices(robot) {
  const allowed = live.may("submit");
  return placesOf(robot).map((place) => ({
    text: place, hint: place === robot.place ? t("send.there") : null, allowed, doing: () => sendTo(robot.robot_id, place),
  }));
}

/** It stands in line as any other command, and is told so. */
export async function sendTo(name, place) {
  await post("./", { cmd_type: DRIVE, robot_id: name, params: { area: place } }, { headers: { "Idempotency-Key": freshKey(), Prefer: "respond-async" } });
  tell(t("send.done", { robot: name, place }));
  live.refresh();
}

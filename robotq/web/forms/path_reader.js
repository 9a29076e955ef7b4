// Reads the ways of a program of G-code, only to draw them: G0 to G3, planes, units, distances.

const MOST = 200000; // ways
const CHORD = Math.PI / 24; // of an arc
const WORD = /([A-Z])\s*([-+]?\s*(?:\d+\.?\d*|\.\d+))/g;
const PLANES = { 17: [0, 1, 2], 18: [2, 0, 1], 19: [1, 2, 0] };

/** `{ points, kinds, ways, least, most, cut }`: each way from one point to the next, kind 0 for one
 * without cutting. */
export function readPath(text) {
  let room = 4096;
  let points = new Float64Array(3 * (room + 1));
  let kinds = new Uint8Array(room);
  let ways = 0;
  const least = [Infinity, Infinity, Infinity];
  const most = [-Infinity, -Infinity, -Infinity];
  const at = [0, 0, 0];
  let known = false;
  let [motion, unit, absolute, plane, arcsAbsolute] = [0, 1, true, 17, false];

  function add(to, kind) {
    if (ways === MOST) return;
    for (let axis = 0; axis < 3; axis += 1) {
      least[axis] = Math.min(least[axis], to[axis]);
      most[axis] = Math.max(most[axis], to[axis]);
    }
    // where the machine stands before is not known
    if (!known) { known = true; points.set(to, 0); return; }
    if (ways === room) {
      room *= 2;
      points = grown(Float64Array, 3 * (room + 1), points);
      kinds = grown(Uint8Array, room, kinds);
    }
    kinds[ways] = kind;
    ways += 1;
    points.set(to, ways * 3);
  }

  function arc(to, words, clockwise) {
    const [a, b, c] = PLANES[plane];
    const given = { I: 0, J: 1, K: 2 };
    let centre = [at[a], at[b]];
    if (words.R !== undefined) {
      const [dx, dy] = [to[a] - at[a], to[b] - at[b]];
      const length = Math.hypot(dx, dy);
      const radius = words.R * unit;
      if (!length) return;
      const rise = Math.sqrt(Math.max(0, radius * radius - (length / 2) ** 2)) * (clockwise === radius > 0 ? -1 : 1);
      centre = [at[a] + dx / 2 - (dy / length) * rise, at[b] + dy / 2 + (dx / length) * rise];
    } else {
      for (const [letter, axis] of Object.entries(given)) {
        if (words[letter] === undefined) continue;
        const value = words[letter] * unit;
        if (axis === a) centre[0] = arcsAbsolute ? value : at[a] + value;
        if (axis === b) centre[1] = arcsAbsolute ? value : at[b] + value;
      }
    }
    const radius = Math.hypot(at[a] - centre[0], at[b] - centre[1]);
    const from = Math.atan2(at[b] - centre[1], at[a] - centre[0]);
    let sweep = Math.atan2(to[b] - centre[1], to[a] - centre[0]) - from;
    if (clockwise && sweep >= -1e-9) sweep -= 2 * Math.PI;
    if (!clockwise && sweep <= 1e-9) sweep += 2 * Math.PI;
    const parts = Math.min(2000, Math.max(1, Math.ceil(Math.abs(sweep) / CHORD)));
    const rise = to[c] - at[c];
    for (let part = 1; part < parts; part += 1) {
      const angle = from + (sweep * part) / parts;
      const point = [0, 0, 0];
      point[a] = centre[0] + radius * Math.cos(angle);
      point[b] = centre[1] + radius * Math.sin(angle);
      point[c] = at[c] + (rise * part) / parts;
      add(point, 1);
    }
    add(to, 1);
  }

  for (const line of text.toUpperCase().split(/\r\n|\r|\n/)) {
    if (ways === MOST) break;
    const bare = line.replace(/;.*$/, "").replace(/\([^)]*\)/g, "").replace(/\*\d+\s*$/, "");
    if (!bare || bare.startsWith("%") || bare.startsWith("$") || bare.startsWith("/")) continue;
    const words = {};
    let still = false;
    for (const [, letter, digits] of bare.matchAll(WORD)) {
      const value = Number(digits.replaceAll(/\s/g, ""));
      if (letter !== "G") { words[letter] ??= value; continue; }
      if (value <= 3 && Number.isInteger(value)) motion = value;
      else if (value === 20) unit = 25.4;
      else if (value === 21) unit = 1;
      else if (value === 90) absolute = true;
      else if (value === 91) absolute = false;
      else if (value === 90.1) arcsAbsolute = true;
      else if (value === 91.1) arcsAbsolute = false;
      else if (PLANES[value]) plane = value;
      // coordinates that are no way of the tool in those of the program
      else if ([4, 10, 28, 30, 53, 92].includes(Math.trunc(value))) still = true;
    }
    if (still || (words.X === undefined && words.Y === undefined && words.Z === undefined && (motion < 2 || (words.I === undefined && words.J === undefined && words.K === undefined)))) continue;
    const to = ["X", "Y", "Z"].map((letter, axis) => {
      if (words[letter] === undefined) return at[axis];
      return absolute ? words[letter] * unit : at[axis] + words[letter] * unit;
    });
    if (motion >= 2) arc(to, words, motion === 2);
    else add(to, motion);
    at.splice(0, 3, ...to);
  }
  if (!ways) return { points, kinds, ways, least: [0, 0, 0], most: [0, 0, 0], cut: false };
  return { points, kinds, ways, least, most, cut: ways === MOST };
}

function grown(Kind, length, before) {
  const made = new Kind(length);
  made.set(before);
  return made;
}

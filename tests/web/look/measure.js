// What is wrong with the page as it is drawn, by its own boxes: texts that are cut, boxes that
// overlap, lines of single letters, what is wider than the screen, texts with too little contrast.
() => {
  const wrong = [];
  const name = (node) => `${node.tagName.toLowerCase()}${node.id ? `#${node.id}` : ""}.${[...node.classList].join(".")} "${(node.textContent || "").trim().slice(0, 40)}"`;
  const seen = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true }) && !node.closest(".offscreen, .skip, svg, [inert]");
  const onScreen = (box) => box.width > 1 && box.height > 1;
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) wrong.push(`wider than the screen: ${root.scrollWidth} > ${innerWidth}`);

  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.data.trim() || !seen(node.parentElement)) continue;
    if (["SCRIPT", "STYLE", "NOSCRIPT", "OPTION"].includes(node.parentElement.tagName)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter(onScreen);
    if (boxes.length) texts.push({ node, parent: node.parentElement, boxes });
  }

  // what scrolls or is cut on purpose, with dots or after a number of lines, says so by its style
  const meant = (style, axis) => ["auto", "scroll"].includes(style[`overflow${axis}`]) || style.webkitLineClamp !== "none" || style.textOverflow === "ellipsis";
  for (const { node, parent, boxes } of texts) {
    for (let box = parent; box && box !== document.body; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (meant(style, "X") || meant(style, "Y")) break;
      const rect = box.getBoundingClientRect();
      const clips = style.overflowX !== "visible" || style.overflowY !== "visible" || style.contain.includes("paint") || style.contain === "strict";
      if (clips && boxes.some((one) => one.left < rect.left - 1.5 || one.right > rect.right + 1.5 || one.top < rect.top - 2 || one.bottom > rect.bottom + 2)) {
        wrong.push(`cut: ${name(parent)} by ${name(box).slice(0, 40)}`);
        break;
      }
      if (style.position === "fixed") break;
    }
    // a line is whole or not there at all, also where it is cut after a number of lines
    const half = boxes.some((one) => {
      let [top, bottom] = [one.top, one.bottom];
      for (let box = parent; box && box !== document.body; box = box.parentElement) {
        const style = getComputedStyle(box);
        if (["auto", "scroll"].includes(style.overflowY)) break;
        if (style.overflowY !== "visible" || style.contain.includes("paint")) {
          const rect = box.getBoundingClientRect();
          [top, bottom] = [Math.max(top, rect.top), Math.min(bottom, rect.bottom)];
        }
        if (style.position === "fixed") break;
      }
      const least = Math.max(2, 0.06 * one.height);
      return bottom - top > least && one.height - (bottom - top) > least;
    });
    if (half) wrong.push(`half a line: ${name(parent)}`);
    // one letter a line: a text of several letters that is taller than it is wide, by far
    const letters = node.data.trim().replace(/\s+/g, " ");
    const lines = new Set(boxes.map((one) => Math.round(one.top))).size;
    if (lines > 2 && letters.length / lines < 2.5) wrong.push(`single letters: ${name(parent)} in ${lines} lines`);
  }

  // a button keeps its words inside
  for (const node of document.querySelectorAll("button, .button, .pill, .tile-word, nav a")) {
    if (!seen(node) || !node.textContent.trim()) continue;
    if (node.scrollWidth > node.clientWidth + 2 && node.clientWidth) wrong.push(`runs over: ${name(node)} ${node.scrollWidth} > ${node.clientWidth}`);
  }

  // two texts never share a place; what lies over the page on purpose lies over all of it
  const layer = (node) => { for (let one = node; one; one = one.parentElement) { const position = getComputedStyle(one).position; if (position === "fixed" || position === "sticky") return one; } return document.body; };
  const flat = texts.flatMap(({ node, parent, boxes }) => boxes.filter((one) => one.bottom > 0 && one.top < innerHeight).map((box) => ({ node, parent, box, layer: layer(parent) })));
  const inside = (parent, box) => { for (let one = parent; one && one !== document.body; one = one.parentElement) { const style = getComputedStyle(one); if (style.overflowX !== "visible") { const rect = one.getBoundingClientRect(); if (box.right <= rect.left + 1 || box.left >= rect.right - 1 || box.bottom <= rect.top + 1 || box.top >= rect.bottom - 1) return false; } } return true; };
  // what is cut with dots goes on unseen
  const clipped = ({ parent, box }) => {
    let { left, right, top, bottom } = box;
    for (let one = parent; one && one !== document.body; one = one.parentElement) {
      if (getComputedStyle(one).overflowX === "visible") continue;
      const rect = one.getBoundingClientRect();
      [left, right, top, bottom] = [Math.max(left, rect.left), Math.min(right, rect.right), Math.max(top, rect.top), Math.min(bottom, rect.bottom)];
    }
    return { left, right, top, bottom, width: right - left, height: bottom - top };
  };
  const shown = flat.filter(({ parent, box }) => inside(parent, box)).map((one) => ({ ...one, box: clipped(one) }));
  shown.sort((one, other) => one.box.top - other.box.top);
  for (let i = 0; i < shown.length; i += 1) {
    for (let j = i + 1; j < shown.length && shown[j].box.top < shown[i].box.bottom - 3; j += 1) {
      const [one, other] = [shown[i], shown[j]];
      if (one.node === other.node || one.layer !== other.layer) continue;
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      // line boxes are higher than their letters
      if (wide > 2 && high > 0.35 * Math.min(one.box.height, other.box.height)) wrong.push(`overlap: ${name(one.parent)} and ${name(other.parent)}`);
    }
  }
  // nor do two words of an axis
  for (const chart of document.querySelectorAll("svg")) {
    const words = [...chart.querySelectorAll("text.axis.middle")].filter((one) => one.checkVisibility()).map((one) => ({ one, box: one.getBoundingClientRect() }));
    for (const { one, box } of words) {
      if (words.some((other) => other.one !== one && other.box.left < box.right && box.left < other.box.right && Math.abs(other.box.top - box.top) < box.height / 2)) wrong.push(`overlap: ${name(one)} on an axis`);
    }
  }
  const sizes = [...document.querySelectorAll(".tile-word")].filter(seen).map((node) => Math.round(parseFloat(getComputedStyle(node).fontSize)));
  return { wrong: [...new Set(wrong)].slice(0, 12), sizes };
}

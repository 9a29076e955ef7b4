// The bar under the thumb: four places, the rest behind the last of them.

import { h, icon, setAttribute, show } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { menu } from "../base/menu.js";

const PLACES = [["now", "home"], ["submit", "plus"], ["history", "clock"]];

export function phoneBar(views) {
  const links = PLACES.map(([id, symbol]) => h("a", { href: `#${id}`, "data-id": id }, icon(symbol), h("span", { text: t(`view.${id}`) })));
  const rest = views.filter(({ id }) => !PLACES.some(([place]) => place === id));
  const present = () => rest.filter(({ present: there }) => there === undefined || there());
  const more = menu({ label: t("view.more"), symbol: "more", choices: () => present().map(({ id }) => ({ text: t(`view.${id}`), doing: async () => { location.hash = id; } })) });
  const node = h("nav", { class: "phone-bar", "aria-label": t("views") }, links, more.node);
  more.update();
  return {
    node,
    update() { more.update(); show(more.node, present().length > 0); },
    select(id) {
      for (const link of links) setAttribute(link, "aria-current", link.dataset.id === id ? "page" : null);
      more.node.classList.toggle("current", rest.some((view) => view.id === id));
    },
  };
}

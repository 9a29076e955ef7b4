// What people have to do: steps that a robot waits for, and the items of the checklist.

import { get, post, ask, withQuery } from "../base/api.js";
import { h, list, setText, show } from "../base/dom.js";
import { clock, t } from "../base/i18n.js";
import { live } from "../base/live.js";
import { act, reasonOf, tellFailure } from "../base/ui.js";

const BASE = "apis/checklist/api/v1/tasks";
const EVERY_MS = 4000;

export function peopleView() {
  let open = [];
  let done = [];
  let total = 0;
  let there = true;
  let known = false;
  let askedAt = 0;
  const items = h("ul", { class: "ticks" });
  const finished = h("ul", { class: "ticks" });
  const none = h("p", { class: "quiet none", text: t("people.none"), hidden: true });
  const fault = h("p", { class: "fault", role: "alert" });
  const more = h("p", { class: "quiet" });
  const doneHead = h("h3", { text: t("people.done") });
  const title = h("input", { id: "people-new", type: "text", maxlength: 255, autocomplete: "off", required: true });
  const add = h("form", { class: "add" }, h("label", { for: "people-new", class: "offscreen", text: t("people.add") }), title, h("button", { class: "primary", text: t("form.add") }));
  title.placeholder = t("people.add");
  const service = h("div", {}, h("div", { class: "card" }, none, items, more, add), h("div", { class: "card" }, doneHead, finished));
  const node = h("div", { class: "narrow" }, h("h1", { text: t("people.title") }), fault, service);

  add.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = title.value.trim();
    if (!text) return;
    try {
      await post(BASE, { title: text });
      title.value = "";
      await load();
    } catch (error) { tellFailure(error); }
  });

  async function load() {
    askedAt = Date.now();
    try {
      const [waiting, begun, ended] = await Promise.all([
        get(withQuery(BASE, { status: "pending", sort_by: "priority", order: "desc" })),
        get(withQuery(BASE, { status: "in_progress", sort_by: "priority", order: "desc" })),
        get(withQuery(BASE, { status: "completed", sort_by: "updated_at", order: "desc" })),
      ]);
      there = known = true;
      setText(fault, "");
      open = [...begun.items, ...waiting.items];
      total = begun.total + waiting.total;
      done = ended.items;
    } catch (error) {
      there = error.status !== 404;
      setText(fault, there ? reasonOf(error) : "");
    }
    render();
  }

  function render() {
    show(service, there);
    list(items, open, (item) => item.id, row);
    list(finished, done, (item) => item.id, row);
    show(none, known && open.length === 0);
    show(doneHead.parentElement, done.length > 0);
    show(more, total > open.length);
    setText(more, t("people.more", { count: total - open.length }));
  }

  function row(first) {
    let item = first;
    const box = h("input", { type: "checkbox", id: `item-${first.id}` });
    const words = h("span", { class: "title" });
    const note = h("span", { class: "quiet" });
    box.addEventListener("change", () => act(box, async () => {
      try {
        await ask("PUT", `${BASE}/${encodeURIComponent(item.id)}`, { status: box.checked ? "completed" : "pending" });
      } finally {
        await load();
        live.refresh();
      }
    }));
    return { node: h("li", {}, box, h("label", { for: `item-${first.id}` }, words, note)), update(now) {
      item = now;
      box.checked = item.status === "completed";
      setText(words, item.title);
      setText(note, [item.description, item.priority && t(`people.${item.priority}`), item.due_date && t("people.due", { clock: clock(Date.parse(item.due_date)) }), item.completed_at && clock(Date.parse(item.completed_at))].filter(Boolean).join(" · "));
    } };
  }

  return { node, open: load, update() { render(); if (there && Date.now() - askedAt > EVERY_MS) load(); } };
}

// Workers, queue, executing tasks and log of the dispatcher, asked for again and again.

import { byId, clock, duration, part, pretty, say, translate } from "./page.js";

const problems = new Map();
let key = "";

async function ask(what) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const answer = await fetch(`api/dashboard/${what}`, { headers, cache: "no-store" });
  byId("sign-in").hidden = answer.status !== 401 && answer.status !== 403;
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer.json();
}

/** Ask and show every `ms`; a question that fails is asked again. */
async function repeat(what, ms, show) {
  for (;;) {
    if (!document.hidden) {
      try {
        show(await ask(what));
        problems.delete(what);
      } catch (error) {
        problems.set(what, String(error.message || error));
      }
      const texts = [...new Set(problems.values())];
      byId("problem").textContent = texts.join("; ");
      byId("problem").hidden = !texts.length;
    }
    await new Promise((resume) => setTimeout(resume, ms));
  }
}

/** Show these lines, and keep what a reader has unfolded. */
function fill(list, items, keyOf, make) {
  const open = new Set(
    [...list.querySelectorAll("details[open]")].map((node) => node.closest("li").dataset.key),
  );
  const lines = items.map((item) => {
    const line = make(item);
    line.dataset.key = keyOf(item);
    const details = line.querySelector("details");
    if (details && open.has(line.dataset.key)) details.open = true;
    return line;
  });
  if (!lines.length) lines.push(part("li", say("none", "无"), "quiet"));
  const before = [...list.children];
  if (before.length === lines.length && before.every((node, n) => node.isEqualNode(lines[n]))) return;
  list.replaceChildren(...lines);
}

function foldable(title, ...texts) {
  const details = part("details");
  details.append(part("summary", title));
  for (const text of texts) if (text !== null) details.append(part("pre", pretty(text)));
  return details;
}

function showNumbers(found) {
  byId("busy").textContent = `${found.busyWorkers} / ${found.totalWorkers}`;
  byId("waiting").textContent = found.queueLength;
  byId("executing").textContent = found.executing;
  byId("average").textContent = duration(found.avgWaitTime);
}

let workers = [];

function showWorkers() {
  const select = byId("group");
  const known = [...select.options].slice(1).map((option) => option.value);
  const groups = [...new Set(workers.map((worker) => worker.group))].sort();
  if (groups.join("\n") !== known.join("\n")) {
    const chosen = select.value;
    select.replaceChildren(select.options[0], ...groups.map((group) => new Option(group, group)));
    select.value = groups.includes(chosen) ? chosen : "";
  }
  const shown = workers.filter((worker) => !select.value || worker.group === select.value);
  fill(byId("workers"), shown, (worker) => worker.id, (worker) => {
    const line = part("li");
    line.append(
      part("strong", worker.id), " ",
      part("span", worker.status === "busy" ? say("busy", "忙碌") : say("idle", "空闲"), worker.status),
      part("div", `${say("group", "分组")} ${worker.group} · ${worker.ip ?? "–"}`, "quiet"),
      part("div", `${say("since", "自")} ${clock(worker.connectedSince)}`, "quiet"),
    );
    if (worker.currentTaskId) line.append(part("div", worker.currentTaskId));
    return line;
  });
}

function showTasks(found) {
  fill(byId("executing-tasks"), found.executingTasks, (task) => task.taskId, (task) => {
    const line = part("li");
    line.append(
      part("strong", task.taskId), " ",
      part("span", `${task.workerId} · ${task.group} · ${duration(task.executionTime)}`, "busy"),
      foldable(say("content", "请求内容"), task.payload),
    );
    return line;
  });
  fill(byId("queue"), found.tasks, (task) => task.taskId, (task) => {
    const line = part("li");
    line.append(
      part("strong", `${task.position}. ${task.taskId}`), " ",
      part("span", `${task.type} · ${task.group} · ${say("waits", "已等待")} ${duration(task.waitTime)} / ${duration(task.timeout)}`, "quiet"),
      foldable(say("content", "请求内容"), task.payload),
    );
    return line;
  });
}

function showLog(found) {
  fill(byId("log"), found.logs, (entry) => String(entry.id), (entry) => {
    const line = part("li");
    line.append(
      part("span", clock(entry.timestamp), "quiet"), " ",
      part("strong", `${entry.method} ${entry.path}`), " ",
      part("span", entry.status, entry.status < 400 ? "ok" : "bad"), " ",
      part("span", `${duration(entry.latency)} ${entry.taskId ?? ""}`, "quiet"),
      foldable(say("bodies", "请求/响应"), entry.requestBody, entry.responseBody),
    );
    return line;
  });
}

translate();
byId("group").addEventListener("change", showWorkers);
byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("key").value.trim();
  byId("key").value = "";
});
repeat("metrics", 3000, showNumbers);
repeat("workers", 3000, (found) => { workers = found.workers; showWorkers(); });
repeat("tasks", 2000, showTasks);
repeat("logs", 1500, showLog);

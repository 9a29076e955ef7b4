// A worker that a person plays.

import { byId, clock, part, pretty, say, translate } from "./page.js";

const KEPT = 200;
const AUTO_MS = 2000;

let socket = null;
let task = null;
let since = 0;

function log(direction, text, className) {
  const line = part("li");
  line.append(part("span", `${clock(Date.now())} ${direction} `, "quiet"), part("span", text, className));
  byId("log").prepend(line);
  while (byId("log").children.length > KEPT) byId("log").lastChild.remove();
}

function show(state) {
  const on = socket !== null && socket.readyState === WebSocket.OPEN;
  byId("state").textContent = state;
  byId("connect").disabled = socket !== null;
  byId("disconnect").disabled = socket === null;
  for (const id of ["ready", "send"]) byId(id).disabled = !on;
  for (const id of ["complete", "fail"]) byId(id).disabled = !on || task === null;
  byId("task").textContent = task === null ? "–" : task.taskId;
  byId("payload").hidden = task === null;
  byId("payload").textContent = task === null ? "" : JSON.stringify(task.payload, null, 2);
}

function send(message) {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  socket.send(text);
  log("→", text);
}

function answer(message) {
  if (task === null || socket === null) return;
  send({ ...message, taskId: task.taskId, duration: Math.round(performance.now() - since) });
  task = null;
  show(say("idle", "空闲"));
}

function complete() {
  let result;
  try {
    result = JSON.parse(byId("result").value);
  } catch (error) {
    log("!", `${say("the result is no JSON", "结果不是 JSON")}: ${error.message}`, "bad");
    return;
  }
  answer({ type: "task_complete", result });
}

function heard(text) {
  log("←", pretty(text));
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return;
  }
  if (message.type === "connected") {
    show(`${say("connected as", "已连接")} ${message.workerId}`);
    if (byId("auto-ready").checked) send({ type: "ready" });
  } else if (message.type === "task") {
    task = message;
    since = performance.now();
    show(say("has a task", "收到任务"));
    if (byId("auto").checked) {
      setTimeout(() => { if (task === message) complete(); }, AUTO_MS);
    }
  }
}

function connect(event) {
  event.preventDefault();
  let opened;
  try {
    opened = new WebSocket(byId("url").value.trim());
  } catch (error) {
    log("!", error.message, "bad");
    return;
  }
  socket = opened;
  opened.addEventListener("open", () => { log("·", say("open", "已打开"), "ok"); show(say("open", "已打开")); });
  opened.addEventListener("message", (received) => heard(String(received.data)));
  opened.addEventListener("close", (closed) => {
    log("·", `${say("closed", "已关闭")} ${closed.code} ${closed.reason}`, "bad");
    socket = null;
    task = null;
    show(say("not connected", "未连接"));
  });
  show(say("connecting", "连接中"));
}

translate();
const here = new URL("ws?group=default", location.href);
here.protocol = location.protocol === "https:" ? "wss:" : "ws:";
byId("url").value = here.href;
byId("connection").addEventListener("submit", connect);
byId("disconnect").addEventListener("click", () => socket?.close(1000));
byId("ready").addEventListener("click", () => send({ type: "ready" }));
byId("complete").addEventListener("click", complete);
byId("fail").addEventListener("click", () => answer({ type: "task_error", error: byId("error").value }));
byId("free").addEventListener("submit", (event) => { event.preventDefault(); send(byId("message").value); });
show(say("not connected", "未连接"));

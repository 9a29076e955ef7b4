"""What the command line says to people, in Chinese and English."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from unicodedata import east_asian_width

from robotq.model.texts import Language, fill

_WORDS: Mapping[str, tuple[str, str]] = {
    # start-up: the first five are the words of the robot interface's document
    "dashboard": ("看板: {url}", "Dashboard: {url}"),
    "queue_on": ("✓ 任务队列模式已启用", "✓ Task queue mode is on"),
    "queue_line_1": ("  - 多个命令会排队执行", "  - commands wait in a queue"),
    "queue_line_2": (
        "  - 每个命令执行完成后才会执行下一个",
        "  - each one starts when the one before it is done",
    ),
    "server_on": ("✓ HTTP服务器已启动", "✓ HTTP server is running"),
    "listening_interface": ("接口 {name}: {addresses}", "Interface {name}: {addresses}"),
    "listening": ("监听地址: {addresses} ({reach})", "Listening on: {addresses} ({reach})"),
    "everywhere": ("所有网络接口", "all network interfaces"),
    "this_machine": ("仅本机", "this machine only"),
    "network": ("网络", "the network"),
    "own_address": ("本机IP: {address}", "Own address: {address}"),
    "mode": ("模式: {mode}", "Mode: {mode}"),
    "mode.queue": ("队列模式", "queue"),
    "mode.sync": ("同步模式", "synchronous"),
    "time_scale": (
        "模拟机器人的时间比例: {scale} (1 = 实时)",
        "Simulated motion at time scale {scale} (1 is real time)",
    ),
    "data": ("数据目录: {folder}", "Data: {folder}"),
    "stop_with": ("按 Ctrl-C 停止", "Ctrl-C stops"),
    "stopping": (
        "正在停止: 等待正在执行的命令 (再次按 Ctrl-C 立即结束)",
        "Stopping: waiting for the running command (Ctrl-C again ends at once)",
    ),
    "stopped": ("已停止，所有状态已写入磁盘", "Stopped; everything is on disk"),
    "stopped.not_written": (
        "已停止，但磁盘没有确认: {what}",
        "Stopped; the disk has not confirmed: {what}",
    ),
    # help, and words that mean nothing
    "help.robotq": (
        "软件与机器人之间可靠的命令队列。先运行 robotq demo 看看它如何工作。",
        "A durable command queue between software and robots. `robotq demo` shows it at work.",
    ),
    "help.more": (
        "robotq COMMAND --help 显示一个命令的全部选项；robotq commands 显示机器人能执行的命令。",
        "`robotq COMMAND --help` tells all of one command; `robotq commands` what robots can do.",
    ),
    "help.usage": ("用法: {line}", "Usage: {line}"),
    "help.arguments": ("参数:", "Arguments:"),
    "help.options": ("选项:", "Options:"),
    "help.help": ("显示本说明。", "Show this."),
    "help.default": ("默认", "default"),
    "help.required": ("必需", "required"),
    "help.one_of": ("可选: {choices}。", "One of {choices}."),
    "cli.no_command": (
        "没有命令 {name}{meant} robotq --help 列出所有命令",
        "there is no command {name}{meant} `robotq --help` lists all",
    ),
    "cli.meant": ("；您是指 {name} 吗?", "; did you mean {name}?"),
    "cli.meant_nothing": ("。", "."),
    "cli.options_behind": (
        "{option} 应写在命令之后，例如 robotq status {option} …",
        "{option} stands behind the command, as in `robotq status {option} …`",
    ),
    # the menu
    "menu.mode": ("选择模式:", "Choose a mode:"),
    "menu.mode.1": ("  1. HTTP服务器模式", "  1. HTTP server"),
    "menu.mode.2": (
        "  2. 在本机直接执行命令文件 (不启动服务器)",
        "  2. run command files here, without a server",
    ),
    "menu.mode.3": ("  3. 模拟器自检", "  3. simulator self-test"),
    "menu.execution": ("选择执行模式:", "Choose how commands are executed:"),
    "menu.execution.1": (
        "  1. 同步模式 (等待命令执行完成后返回结果)",
        "  1. synchronous (the answer is the result)",
    ),
    "menu.execution.2": (
        "  2. 队列模式 (立即返回任务编号)",
        "  2. queue (the answer is a task id, at once)",
    ),
    "menu.ask": ("请输入 {choices} (默认 {default}): ", "Enter {choices} (default {default}): "),
    "menu.again": (
        "无效的输入: {answer}，请输入 {choices}",
        "{answer} is not a choice; enter {choices}",
    ),
    "menu.give_up": ("多次无效输入，程序结束", "No choice was made"),
    "menu.files": (
        "命令文件，用空格分隔 (默认 {default}): ",
        "Command files, with spaces between (default {default}): ",
    ),
    # tasks
    "submitted": ("✓ 任务已提交: {task_id}", "✓ Submitted: {task_id}"),
    "answered": ("✓ {cmd_type}: {message}", "✓ {cmd_type}: {message}"),
    "position": ("  排队中，前面有 {ahead} 个任务", "  waiting, {ahead} before it"),
    "held": ("  {robot} 未启动任务: {reason}", "  {robot} starts nothing: {reason}"),
    "waits": ("  {cmd_type} 等待: {reason}", "  {cmd_type} waits: {reason}"),
    "stands": ("  {queue} 停滞: {reason}", "  {queue} stands: {reason}"),
    "clear": ("    解除方法: {clear}", "    to clear: {clear}"),
    "asks": ("  ? {prompt}", "  ? {prompt}"),
    "answer": (
        "    回答: robotq answer {task_id} '{value}'{more}",
        "    answer with: robotq answer {task_id} '{value}'{more}",
    ),
    "completed": ("✓ {message} ({seconds} 秒)", "✓ {message} ({seconds} s)"),
    "failed": ("✗ {cmd_type} 失败: {message}", "✗ {cmd_type} failed: {message}"),
    "cancelled": ("✗ {cmd_type}: {message}", "✗ {cmd_type}: {message}"),
    # robotq watch
    "watch.summary": (
        "队列 {waiting}  完成 {completed}  失败 {failed}  取消 {cancelled}",
        "{waiting} in queue, {completed} completed, {failed} failed, {cancelled} cancelled",
    ),
    "watch.idle": ("空闲", "idle"),
    "watch.held": ("已停住", "held"),
    "watch.left": ("还需 {seconds} 秒", "{seconds} s left"),
    "watch.waiting": ("{number} 个等待", "{number} waiting"),
    # robotq robots and commands
    "robots.robot": ("机器人", "robot"),
    "robots.driver": ("驱动", "driver"),
    "robots.link": ("连接", "link"),
    "robots.place": ("位置", "place"),
    "robots.running": ("正在执行", "running"),
    "robots.held": ("停住原因", "held by"),
    "robots.simulated": (" (模拟)", " (simulated)"),
    "robots.on": ("已连接", "connected"),
    "robots.off": ("未连接", "disconnected"),
    "robots.not_configured": ("未配置", "not configured"),
    "maintenance.none": ("没有配置维护事项", "Nothing is configured to be seen to"),
    "maintenance.robot": ("机器人", "robot"),
    "maintenance.item": ("事项", "item"),
    "maintenance.used": ("已用", "used"),
    "maintenance.every": ("周期", "of"),
    "maintenance.state": ("状态", "state"),
    "maintenance.text": ("说明", "what"),
    "maintenance.ok": ("正常", "ok"),
    "maintenance.soon": ("即将到期", "soon"),
    "maintenance.due": ("到期", "due"),
    "maintenance.commands": ("个命令", "commands"),
    "maintenance.hours": ("小时", "hours"),
    "maintenance.days": ("天", "days"),
    # above the columns of tables
    "head.robot": ("机器人", "robot"),
    "head.in queue": ("排队", "in queue"),
    "head.running": ("正在执行", "running"),
    "head.resource": ("资源", "resource"),
    "head.places": ("位置", "places"),
    "head.held by": ("占用者", "held by"),
    "head.since": ("起始时间", "since"),
    "head.id": ("编号", "id"),
    "head.command": ("命令", "command"),
    "head.at": ("时刻", "at"),
    "head.next": ("下次", "next"),
    "head.skipped": ("已跳过", "skipped"),
    "head.task": ("任务", "task"),
    "head.state": ("状态", "state"),
    "head.submitted": ("提交时间", "submitted"),
    "head.ended": ("结束时间", "ended"),
    "head.item": ("事项", "item"),
    "head.status": ("状态", "status"),
    "head.priority": ("优先级", "priority"),
    "head.robot's task": ("机器人的任务", "robot's task"),
    "head.daemon": ("服务", "daemon"),
    "head.heard": ("最近联系", "heard"),
    "head.robots": ("机器人", "robots"),
    "head.waiting": ("等待", "waiting"),
    "head.cmd_id": ("自定义名称", "cmd_id"),
    "head.seconds": ("秒", "seconds"),
    "head.outcome": ("结果", "outcome"),
    "head.name": ("名称", "name"),
    "head.scopes": ("权限", "scopes"),
    "head.created": ("创建时间", "created"),
    "status.counts": (
        "排队 {waiting}，完成 {completed}，失败 {failed}，取消 {cancelled} (版本 {revision})",
        (
            "{waiting} in queue, {completed} completed, {failed} failed, {cancelled} cancelled "
            "(revision {revision})"
        ),
    ),
    "status.no_robots": (
        "此服务不控制机器人；robotq fleet 显示整个集群",
        "This daemon drives no robots; robotq fleet shows those of the fleet",
    ),
    "status.held": (
        "{robot} 自 {since} 起不启动任何命令: {reason}",
        "{robot} starts nothing since {since}: {reason}",
    ),
    "status.stands": (
        "{robot} 自 {since} 起停着: {reason}",
        "{robot} stands since {since}: {reason}",
    ),
    "status.clear": ("  解除方法: {text}", "  to clear: {text}"),
    "status.asks": ("{robot} 提问: {prompt}", "{robot} asks: {prompt}"),
    "state.pending": ("等待", "pending"),
    "state.running": ("执行中", "running"),
    "state.completed": ("完成", "completed"),
    "state.failed": ("失败", "failed"),
    "state.cancelled": ("已取消", "cancelled"),
    "commands.command": ("命令", "command"),
    "commands.kind": ("类型", "kind"),
    "commands.limit": ("时限", "limit"),
    "commands.robots": ("机器人", "robots"),
    "commands.parameter": ("参数", "parameter"),
    "commands.value": ("取值", "value"),
    "commands.default": ("默认", "default"),
    "commands.about": ("说明", "about"),
    "commands.no_parameters": ("没有参数。", "It takes no parameters."),
    "commands.is.queued": (
        "排队执行，时限 {limit} 秒。",
        "It waits in a queue, and may take {limit} s.",
    ),
    "commands.is.query": ("立即回答，不排队。", "It is answered at once, and changes nothing."),
    "commands.is.control": ("立即执行，不排队。", "It is done at once, and waits in no queue."),
    "commands.done_by": ("执行者: {robots}", "Done by: {robots}"),
    "commands.goes_to": ("前往: {places}", "Goes to: {places}"),
    "commands.approval": (
        "智能体提交时需要人批准。",
        "Where an agent submits it, a person has to agree.",
    ),
    # what a person confirms
    "about.hold": (
        "针对: {robot_id}: {reason} (自 {since}, {id})",
        "About: {robot_id}: {reason} (since {since}, {id})",
    ),
    "about.task": (
        "针对: {cmd_type} {name} ({robot_id}): {told}",
        "About: {cmd_type} {name} ({robot_id}): {told}",
    ),
    "about.question": ("针对: {prompt}", "About: {prompt}"),
    "about.again": ("查看后再发送: {line}", "Look at it, then send: {line}"),
    "next": ("接下来 {robot}: {cmd_type} {name}", "Next on {robot}: {cmd_type} {name}"),
    "next.held": (
        "{robot} 恢复后执行: {cmd_type} {name}",
        "Next on {robot}, once it is resumed: {cmd_type} {name}",
    ),
    "approve.none": ("没有任务等待批准", "No task waits for approval"),
    # the demo
    "demo.intro": (
        "演示: 模拟机器人以 {speed} 倍速运行 (--time-scale {scale})",
        "Demo: simulated robots, {speed} times faster than real (--time-scale {scale})",
    ),
    "demo.submitting": ("通过HTTP提交 {file}", "Submitting {file} over HTTP"),
    "demo.result": ("结果:", "Result:"),
    "demo.next": ("服务仍在运行，可以试试:", "The daemon keeps running. Try next:"),
}


def language_of(environ: Mapping[str, str]) -> Language:
    """The language that the environment asks for: Chinese or, for everybody else, English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return Language.ZH if environ[name].lower().startswith("zh") else Language.EN
    return Language.EN


def say(code: str, **args: object) -> str:
    """The words for `code` in the language of the environment."""
    language = language_here()
    row = _WORDS[code]
    return fill(row[0] if language is Language.ZH else row[1], args, language)


def heads(*names: str) -> list[str]:
    """What stands above the columns of a table; an empty one stays empty."""
    return [say(f"head.{name}") if name else "" for name in names]


def padded(text: str, width: int) -> str:
    """With blanks to so many columns of a terminal."""
    return text + " " * max(0, width - columns(text))


def translated(text: str) -> str:
    """A text of the help in the language of the environment."""
    if language_here() is not Language.ZH:
        return text
    return _help_in_chinese().get(text, text)


@cache
def _help_in_chinese() -> Mapping[str, str]:
    # nobody else reads it
    import orjson  # noqa: PLC0415

    known: Mapping[str, str] = orjson.loads(Path(__file__).with_name("help_zh.json").read_bytes())
    return known


def language_here() -> Language:
    """The language of whoever started this process."""
    return language_of(os.environ)


def columns(text: str) -> int:
    """Its width on a terminal."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)

"""Every command, in the groups of `robotq --help`: where it is, and what it does in one line.

Its module is loaded only when it is needed: neither an emergency stop nor this list waits until
the daemon's libraries are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Listed(NamedTuple):
    """One command."""

    module: str
    en: str
    zh: str


GROUPS: Mapping[tuple[str, str], Mapping[str, Listed]] = {
    ("Stop and go on", "停止与恢复"): {
        "estop": Listed("remote.decide", "Stop every robot now.", "立即停止所有机器人。"),
        "stop": Listed(
            "remote.control",
            "Stop one robot in a controlled way and pause its queue.",
            "受控地停止一台机器人，并暂停其队列。",
        ),
        "pause": Listed(
            "remote.control",
            "Start nothing more; a command that runs goes on.",
            "不再启动新命令；正在执行的命令继续。",
        ),
        "resume": Listed("remote.decide", "Let the queues go on.", "让队列继续。"),
        "hold-motion": Listed(
            "remote.decide", "Pause a robot in its motion.", "让机器人在运动中暂停。"
        ),
        "resume-motion": Listed(
            "remote.decide", "Let a held motion go on at once.", "让暂停的运动立即继续。"
        ),
        "raw": Listed(
            "remote.control",
            "Send one line to a robot's controller as it is.",
            "原样向机器人控制器发送一行指令。",
        ),
    },
    ("See what goes on", "查看"): {
        "status": Listed(
            "remote.control",
            "Show the queues, and why nothing moves; or one task.",
            "显示队列以及为什么不动；或显示一个任务。",
        ),
        "watch": Listed("look.watch", "Show the queues live, until Ctrl-C.", "实时显示队列。"),
        "robots": Listed(
            "look.lists",
            "Show the robots and the devices beside them.",
            "显示机器人及其旁边的设备。",
        ),
        "commands": Listed(
            "look.lists",
            "Show what the robots can be told; or one command and what it takes.",
            "显示机器人能执行的命令；或一个命令及其参数。",
        ),
        "resources": Listed(
            "remote.resources",
            "Show which robot holds which place.",
            "显示哪台机器人占用哪个位置。",
        ),
        "fleet": Listed(
            "remote.fleet",
            "Show all daemons of a fleet, and what waits for them.",
            "显示集群中的所有守护进程及其等待的命令。",
        ),
        "maintenance": Listed(
            "remote.maintenance",
            "Show what is to be seen to at the robots; or say that it is done.",
            "显示机器人的维护事项；或确认已完成。",
        ),
        "history": Listed("look.history", "Show tasks, newest first.", "显示任务，最新的在前。"),
        "logs": Listed("look.journal", "Show who did what, when.", "显示谁在什么时候做了什么。"),
        "export": Listed(
            "look.history",
            "Write all tasks as CSV or JSON lines.",
            "把所有任务导出为 CSV 或 JSON。",
        ),
    },
    ("Send commands and arrange them", "提交与调整"): {
        "submit": Listed(
            "remote.submit",
            "Submit a command: robotq submit NAVIGATION area=HOME. Or files.",
            "提交命令: robotq submit NAVIGATION area=HOME；或提交文件。",
        ),
        "repeat": Listed(
            "remote.repeat",
            "Run a command every day at a time.",
            "每天在指定时间执行一个命令。",
        ),
        "cancel": Listed(
            "remote.cancel", "Call a task off, or many at once.", "取消一个任务，或一次取消多个。"
        ),
        "reorder": Listed(
            "remote.edit",
            "Put a waiting task elsewhere in its queue.",
            "调整等待任务在队列中的位置。",
        ),
        "priority": Listed(
            "remote.edit", "Give a waiting task another priority.", "更改等待任务的优先级。"
        ),
        "move": Listed(
            "remote.edit", "Give a waiting task to another robot.", "把等待的任务交给另一台机器人。"
        ),
        "retry": Listed(
            "remote.decide",
            "Run an ended command again, or what is left of a batch.",
            "重新执行已结束的命令，或一批命令中剩下的部分。",
        ),
        "rerun": Listed(
            "remote.decide",
            "Run a program from one of its lines on.",
            "从程序的某一行开始重新执行。",
        ),
    },
    ("Decide what waits for a person", "等待人决定的事项"): {
        "answer": Listed(
            "remote.decide",
            "Answer the question of a running command.",
            "回答正在执行的命令的提问。",
        ),
        "resolve": Listed(
            "remote.decide",
            "Say how a task with unknown outcome ended.",
            "说明结果未知的任务是如何结束的。",
        ),
        "approve": Listed(
            "remote.approve",
            "Approve or reject what an agent has submitted.",
            "批准或拒绝智能体提交的任务。",
        ),
        "checklist": Listed(
            "remote.checklist", "Show what people have to do.", "显示需要人来做的事项。"
        ),
        "tick": Listed(
            "remote.checklist", "Tick an item of the checklist off.", "勾选一个完成的事项。"
        ),
        "release": Listed(
            "remote.resources",
            "Take a place from a robot that is not there.",
            "从不在场的机器人收回位置。",
        ),
    },
    ("Run robotq", "运行 robotq"): {
        "demo": Listed(
            "host.demo",
            "See it work: simulated robots scan a tray.",
            "演示: 模拟机器人扫描一个托盘。",
        ),
        "serve": Listed(
            "host.serve", "Run the daemon, until Ctrl-C.", "运行服务，按 Ctrl-C 停止。"
        ),
        "hub": Listed(
            "host.serve",
            "Run a daemon without robots that shows and accepts for a whole fleet.",
            "运行不控制机器人的守护进程，显示并接收整个集群的命令。",
        ),
        "check-config": Listed(
            "host.check", "Check a configuration; starts nothing.", "检查配置；不启动任何东西。"
        ),
        "doctor": Listed(
            "doctor.command",
            "Look for what keeps robotq from working on this machine.",
            "检查本机上妨碍 robotq 工作的问题。",
        ),
        "keys": Listed("host.keys", "Make, list and revoke keys.", "创建、列出和撤销密钥。"),
        "notify": Listed(
            "host.notify",
            "Send a test message to everybody who is told of incidents.",
            "向所有接收事件通知的人发送测试消息。",
        ),
        "backup": Listed(
            "host.backup",
            "Back up a data folder while the daemon works.",
            "在服务运行时备份数据目录。",
        ),
        "restore": Listed(
            "host.backup", "Put a backup into a data folder.", "把备份恢复到数据目录。"
        ),
        "migrate": Listed(
            "host.migrate",
            "Move tasks for workers into a PostgreSQL, or back.",
            "把工作者的任务移到 PostgreSQL 或移回。",
        ),
        "run": Listed(
            "host.run",
            "Carry out command files here, without a daemon.",
            "在本机执行命令文件，不需要服务。",
        ),
        "self-test": Listed(
            "host.selftest",
            "Try every sample command on simulated robots.",
            "在模拟机器人上试运行所有示例命令。",
        ),
    },
    ("Devices and other programs", "设备与其他程序"): {
        "nodes": Listed(
            "host.nodes",
            "Read every node of a PLC's table once; writes nothing.",
            "把 PLC 点表中的每个点读取一次；不写入任何内容。",
        ),
        "device": Listed(
            "host.device",
            "Play a robot at the end of a serial line.",
            "在串口的另一端模拟一台机器人。",
        ),
        "worker": Listed(
            "remote.worker", "Do the tasks of a queue, one at a time.", "逐个执行一个队列的任务。"
        ),
        "mcp": Listed(
            "host.mcp",
            "Serve an agent (Model Context Protocol).",
            "为智能体提供服务 (Model Context Protocol)。",
        ),
    },
}
"""Title of a group in English and Chinese -> its commands."""

COMMANDS: Mapping[str, str] = {
    name: listed.module for group in GROUPS.values() for name, listed in group.items()
}
"""Command -> its module."""


def close_to(name: str) -> str | None:
    """The command that somebody may have meant: what other programs call it comes first."""
    from robotq.cli.shared.display.near import nearest  # noqa: PLC0415 - only who errs waits for it

    return _OTHER_NAMES.get(name.lower()) or nearest(name, COMMANDS)


_OTHER_NAMES = {
    "abort": "cancel",
    "add": "submit",
    "emergency-stop": "estop",
    "halt": "estop",
    "info": "status",
    "list": "status",
    "ls": "status",
    "log": "logs",
    "ps": "status",
    "queue": "status",
    "send": "submit",
    "show": "status",
    "start": "serve",
    "tasks": "history",
    "unpause": "resume",
    "validate": "check-config",
}

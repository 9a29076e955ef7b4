"""What the robot interface says in its answers, in Chinese and English."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from robotq.engine.robot.robot import Robot
from robotq.engine.robot.values import ValueLook
from robotq.model.texts import Language, fill

WORDS: Mapping[str, tuple[str, str]] = {
    "running": ("Robot Control HTTP Server is running", "Robot Control HTTP Server is running"),
    "accepted_batch": ("{count} 个任务已加入队列", "{count} tasks queued"),
    "accepted_by_fleet": (
        "已由集群接收，等待 {daemon} 取走",
        "Accepted by the fleet. {daemon} takes it into the queue of its robot.",
    ),
    "accepted_by_fleet_note": (
        "使用 GET /task/<task_id> 查询状态",
        "GET /task/<task_id> tells how it is, at every daemon of the fleet.",
    ),
    "fleet_nobody": (
        "集群中没有守护进程控制 {robot}",
        "No daemon of the fleet drives {robot} now.",
    ),
    "fleet_away_since": (
        "{daemon} 已离线 {age_s} 秒",
        "{daemon} is away: nothing was heard of it for {age_s} s.",
    ),
    "fleet_not_yet": (
        "{daemon} 暂时无法取走: {reason}",
        "{daemon} cannot take it yet: {reason}",
    ),
    "fleet_taking": ("{daemon} 即将取走", "{daemon} is about to take it."),
    "fleet_taken_over": (
        "本机接管 {robot}",
        "{robot} is driven from here as soon as its device has been asked.",
    ),
    "fleet_left": ("{daemon} 已移出集群", "{daemon} is not in the fleet any more."),
    "fleet_handed_on": ("已移交给 {robot}", "{robot} gets it; the task of before does not run."),
    "fleet_reset": (
        "集群急停已复位，队列保持暂停",
        "The stop of the fleet is reset. Nothing moves; the queues stay paused.",
    ),
    "fleet_reset_incomplete": (
        "部分守护进程未复位:",
        "Some daemons have not left the stop.",
    ),
    "dry_run": ("命令有效，未执行", "The command is right. Nothing was done."),
    "immediate": ("{cmd_type}完成", "{cmd_type} done"),
    "still_pending": ("任务尚未完成", "Not finished yet"),
    "cancelled": ("任务已取消", "The task is cancelled."),
    "not_told": (
        "本机已生效，但接管或正在驱动 {robots} 的另一台机器可能尚不知晓，仍可能执行：请到那里查看",
        (
            "It counts on this machine. A second machine that drives {robots}, or takes over now, "
            "may not know it and do otherwise: look there."
        ),
    ),
    "would_cancel": (
        "{count} 个任务符合条件，未取消任何任务",
        "{count} tasks match. Nothing was cancelled: send count and up_to to cancel them.",
    ),
    "cancelled_many": (
        "{count} 个任务中的 {cancelled} 个已取消",
        "{cancelled} of {count} tasks are cancelled.",
    ),
    "ended_before": ("任务在取消之前已结束", "The task ended before it could be cancelled."),
    "acknowledged": (
        "已确认；原因消除前报警仍然存在",
        "Acknowledged. The alarm stays until its cause is gone.",
    ),
    "shelved": ("报警已静音，到时自动恢复", "It makes no sound for that time. It still holds."),
    "unshelved": ("报警恢复声音", "It makes a sound again."),
    "restored": (
        "{count} 个任务中的 {restored} 个已恢复到原位",
        "{restored} of {count} commands are back in their places.",
    ),
    "maintenance_done": (
        "已记录维护；队列由人恢复",
        "It is on record, and counts anew. The queue stays as it is.",
    ),
    "resolved": ("已记录任务的结果", "The outcome is on record."),
    "answered": ("已收到输入", "The answer was passed on."),
    "repeat_made": ("已设定定时重复", "It repeats from now on."),
    "repeat_removed": ("已停止定时重复", "It repeats no more."),
    "retried": ("任务已重新加入队列", "The command runs again as a new task."),
    "from_line": (
        "将从第 {line} 行开始，未执行；请查看后连同 seen 再次发送",
        "This would run from line {line} on. Nothing was done: look at it, then send seen.",
    ),
    "retried_batch": ("{count} 个任务已重新加入队列", "{count} commands run again as a new batch."),
    "moved": ("已调整顺序", "The order of the queue is changed."),
    "paused": ("队列已暂停", "Paused. A command that runs goes on."),
    "resumed": ("队列已恢复", "Resumed."),
    "still_held": ("队列仍被其他原因暂停", "Resumed, but other reasons still hold a queue."),
    "motion_held": ("动作已暂停", "The motion is held."),
    "motion_holding": (
        "正在停下: 已规划的动作仍会执行",
        "The robot comes to rest: what is planned already is still carried out.",
    ),
    "motion_resumed": ("动作已恢复", "The motion goes on."),
    "robot_stopped": ("机器人已停止，队列已暂停", "The robot stands. Its queue is paused."),
    "robot_stopping": (
        "机器人正在停止，尚未静止；队列已暂停",
        "The robot is stopping, and does not stand yet. Its queue is paused.",
    ),
    "robot_unknown": (
        "无法确认机器人是否静止；队列已暂停",
        "It is not known whether the robot stands: look at it. Its queue is paused.",
    ),
    "robot_no_command": (
        "没有正在执行的任务，停止指令已发送；队列已暂停",
        "No command ran. The stop was sent to the robot. Its queue is paused.",
    ),
    "estop_stopping": (
        "急停已触发，机器人正在停止",
        "Emergency stop. Not all robots stand yet. Nothing begins until it is reset.",
    ),
    "estop": ("急停已触发", "Emergency stop. Nothing moves until it is reset."),
    "estop_incomplete": (
        "急停已触发，但并非所有机器人都已确认",
        "Emergency stop, but not every robot has confirmed it. Use the red button.",
    ),
    "estop_reset": (
        "急停已复位，恢复队列后才会继续",
        "The emergency stop is reset. The queues stay paused until they are resumed.",
    ),
    "reset_incomplete": (
        "并非所有机器人都已复位",
        "Not every robot has left the emergency stop.",
    ),
    "approved": ("任务已批准", "Approved; it runs when it is its turn."),
    "rejected": ("任务已拒绝", "Rejected; it does not run."),
    "webhook_resent": ("回调将重新发送", "The webhook is sent again."),
    "session_begun": ("浏览器已保存密钥", "This browser keeps the key from now on."),
    "session_ended": ("浏览器已删除密钥", "This browser has forgotten the key."),
    "released": (
        "已从 {robot} 释放 {resource}",
        "{resource} is taken from {robot}; another robot may go there now.",
    ),
    "reloaded_misfits": (
        "配置已重新加载，{count} 个等待中的任务不再符合配置，轮到时其队列将停止",
        (
            "The configuration was read again and is in effect. {count} waiting commands no longer "
            "fit it; their queues stop when it is their turn."
        ),
    ),
    "reloaded": ("配置已重新加载", "The configuration was read again and is in effect."),
}


def words(code: str, language: Language, **args: Any) -> str:
    """The text of `code`, with its arguments put in."""
    zh, en = WORDS[code]
    return fill(en if language is Language.EN else zh, args, language)


def words_of(code: str, language: Language, not_told: Collection[str] = (), **args: Any) -> str:
    """The text of what was done, and of which robots a second machine may not know it."""
    return also_not_told(words(code, language, **args), language, not_told)


def also_not_told(told: str, language: Language, not_told: Collection[str]) -> str:
    """A text about what was done, with the same behind it."""
    if not not_told:
        return told
    between = " " if language is Language.EN else "。"
    return told + between + words("not_told", language, robots=", ".join(not_told))


def robot_state(robot: Robot, running: bool, holds: Sequence[object]) -> str:
    """What a robot does, in a word."""
    if running:
        return "running"
    if not robot.connected:
        return "disconnected"
    return "held" if holds else "idle"


def value_facts(look: ValueLook) -> dict[str, Any]:
    """What is shown of a value besides its course."""
    return {
        "name": look.name,
        "value": look.value,
        "unit": look.unit,
        "normal": look.normal,
        "state": look.state.value,
        "age_s": round(look.age_s, 1),
        "alarm": look.alarm,
    }

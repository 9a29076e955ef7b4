"""Every error that robotq can tell a user: one table, from which the docs page is made too.

An error is a code and its arguments. The text is rendered when it is read, in the reader's
language; records on disk keep only code and arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from robotq.model.json import JsonObject
from robotq.model.texts import Language, fill, of_device


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One kind of error, stable over versions."""

    name: str
    number: int
    """The `code` of the robot interface; None never: every error has one."""
    http_status: int
    retry: bool
    """Whether the same request can succeed later without anything being changed in it."""
    zh: str
    en: str
    """Says what happened and what to do."""
    read: tuple[str, str] | None = None
    """Says the same where nothing but reading was asked for: Chinese, English."""


_ROWS = (
    # requests
    ErrorCode("bad_json", 1001, 400, False,
              "JSON格式错误: {reason}", "The body is not valid JSON: {reason}"),
    ErrorCode("missing_parameter", 1002, 400, False,
              "缺少必要参数: {field}", "Required parameter missing: {field}"),
    ErrorCode("bad_parameter", 1003, 400, False,
              "参数错误: {field}: {reason}", "Bad parameter {field}: {reason}"),
    ErrorCode("unknown_command", 1004, 400, False,
              "未知的命令类型: {cmd_type}",
              "Unknown command type: {cmd_type}. GET /commands lists what this daemon knows."),
    ErrorCode("body_too_large", 1005, 413, False,
              "请求体过大，上限 {limit_bytes} 字节",
              "The body is larger than the limit of {limit_bytes} bytes."),
    ErrorCode("method_not_allowed", 1006, 405, False,
              "不支持的方法: {method} {path}", "{path} does not take {method}. Allowed: {allowed}"),
    ErrorCode("not_found", 1007, 404, False,
              "路径不存在: {path}", "No such path: {path}. GET /docs lists the paths."),
    ErrorCode("cross_site", 1008, 403, False,
              "拒绝跨站请求: {reason}",
              "Refused, because the request seems to come from a web page elsewhere: {reason}"),
    ErrorCode("unauthorized", 1009, 401, False,
              "未授权: 需要有效的密钥",
              "A valid key is needed: send `Authorization: Bearer <key>`. "
              "`robotq keys new` makes one."),
    ErrorCode("forbidden", 1010, 403, False,
              "没有权限: 需要 {scope}", "This key lacks the scope {scope}."),
    ErrorCode("idempotency_conflict", 1011, 409, False,
              "Idempotency-Key 已用于不同的请求",
              "This Idempotency-Key was used before with another body. Use a new key."),
    ErrorCode("precondition_failed", 1012, 412, False,
              "队列已被修改，请重新读取后再试",
              "The queue has changed since you read it. Read it again and repeat the edit."),
    ErrorCode("too_many_requests", 1013, 503, True,
              "并发请求过多: {limit}", "Too many {what} at once (limit {limit}). Try again."),
    ErrorCode("person_needed", 1014, 403, False,
              "需要由人操作: {action}", "A person has to do this, not an agent: {action}"),
    ErrorCode("program_too_large", 1015, 413, False,
              "程序过大，上限 {limit_bytes} 字节 (limits.program_bytes)",
              "The program is larger than limits.program_bytes ({limit_bytes} bytes)."),
    ErrorCode("turned_off", 1016, 404, False,
              "{path} 在此守护进程中未启用: 请在配置中设置 {setting}",
              "{path} is turned off at this daemon. Set {setting} in its configuration."),
    # the robot's state
    ErrorCode("robot_busy", 2003, 409, True,
              "机器人忙: {robot}", "{robot} cannot do this while it is busy. {reason}"),
    ErrorCode("robot_disconnected", 2006, 502, True,
              "机器人未连接: {robot}: {reason}", "{robot} is not connected: {reason}"),
    ErrorCode("robot_cannot", 2007, 422, False,
              "机器人 {robot} 无法执行 {cmd_type}: {reason}",
              "{robot} cannot do {cmd_type}: {reason}"),
    ErrorCode("motion_still_held", 2008, 409, True,
              "机器人 {robot} 仍处于暂停状态: {reason}",
              "{robot} still holds its motion: {reason}"),
    ErrorCode("program_refused", 2009, 422, False,
              "{robot} 拒绝该程序，第 {line} 行 {text}: {reason}",
              "{robot} would refuse the program at line {line}, {text}: {reason}"),
    ErrorCode("from_line_refused", 2010, 422, False,
              "不能从该行开始，因为第 {line} 行: {rule}",
              "It cannot begin there, because of line {line}: {rule}"),
    ErrorCode("from_line_changed", 2011, 409, False,
              "将要运行的内容与所见不同；请重新查看后发送 seen: {seen}",
              "What would run is not what you saw. Look at it again, then send seen: {seen}"),
    ErrorCode("jog_refused", 2012, 409, True,
              "现在不能手动移动 {robot}: {reason}",
              "{robot} cannot be moved by hand now: {reason}"),
    ErrorCode("raw_line_refused", 2013, 409, True,
              "现在不能向 {robot} 发送原始指令: {reason}",
              "{robot} is not sent a raw line now: {reason}"),
    ErrorCode("not_armed", 4005, 409, True,
              "系统未启动，请先发送 START_WORKING",
              "The system is not armed. Send START_WORKING first."),
    # tasks
    ErrorCode("task_not_found", 3001, 404, False,
              "任务不存在: {task_id}", "No such task: {task_id}"),
    ErrorCode("repeat_not_found", 3032, 404, False,
              "定时重复不存在: {repeat_id}", "No such repeat: {repeat_id}"),
    ErrorCode("wrong_state", 3002, 409, False,
              "任务状态为 {state}，不能执行 {action}",
              "{task_id} is {state}, so it cannot {action}."),
    ErrorCode("cancelled", 3005, 410, False, "任务已取消", "Cancelled."),
    ErrorCode("stale_claim", 3006, 409, False,
              "任务已被重新领取",
              "The claim on {task_id} is no longer the current one; its result is not taken."),
    ErrorCode("no_question", 3007, 409, False,
              "没有任务在等待该输入",
              "Nothing that runs is waiting for this answer. {reason}"),
    ErrorCode("webhook_not_found", 3008, 404, False,
              "回调不存在: {webhook_id}",
              "No such webhook: {webhook_id}. GET /webhooks lists them."),
    ErrorCode("alarm_not_found", 3060, 404, False,
              "报警已不存在: {alarm_id}",
              "This alarm does not stand any more, or was set anew: {alarm_id}"),
    ErrorCode("artifact_not_found", 3009, 404, False,
              "任务 {task_id} 没有文件 {name}: {reason}",
              "{task_id} has no artifact {name}: {reason}"),
    ErrorCode("queue_full", 3010, 503, True,
              "任务队列已满: 上限 {limit}", "The queue is full ({limit} tasks). Try again later."),
    ErrorCode("queue_bytes_full", 3016, 503, True,
              "任务队列占用内存已达上限 (queue.max_bytes {limit})",
              "What waits takes as much memory as it may (queue.max_bytes, {limit} bytes; this "
              "one takes {bytes}). Try again later."),
    ErrorCode("queue_held", 3011, 409, True,
              "队列已暂停: {reason}", "The queue is held: {reason}"),
    ErrorCode("fleet_away", 3061, 503, True,
              "集群数据库不可用: {reason}",
              "The fleet's database cannot be asked now: {reason}. Whether a command was accepted "
              "is not known; send it again with the same Idempotency-Key. Robots go on."),
    ErrorCode("daemon_away", 3062, 502, True,
              "守护进程 {daemon} 无法访问: {reason}",
              "The daemon {daemon} cannot be reached: {reason}. What was asked of it may have "
              "been done."),
    ErrorCode("handed_over", 3063, 409, False,
              "任务已交给 {daemon} (epoch {epoch})",
              "Another machine drives this robot: {daemon} has the command now (epoch {epoch})."),
    ErrorCode("lease_lost", 3064, 503, True,
              "本守护进程不再驱动该机器人: {reason}",
              "This daemon had to stop driving the robot: {reason}"),
    ErrorCode("standby_refused", 3065, 409, False,
              "无法接管 {robot}: {reason}",
              "{robot} is not taken over: {reason}"),
    ErrorCode("store_unavailable", 3012, 503, True,
              "存储不可用: {reason}",
              "The daemon cannot write to its disk, so nothing was accepted: {reason}",
              read=("无法读取存储，不能作答: {reason}",
                    "The daemon cannot read its disk, so it cannot answer: {reason}")),
    ErrorCode("not_named", 3040, 409, False,
              "请求未指明要解除哪个暂停，请发送: {send}",
              "This names nothing, and more than one hold, or one that is seconds old, would be "
              "lifted. Look at them, then send: {send}"),
    ErrorCode("not_what_was_meant", 3041, 409, False,
              "所指的暂停已不存在，或又有新的暂停；请查看后发送: {send}",
              "What this names is over, or something newer holds the robot. Nothing was lifted. "
              "Look at it, then send: {send}"),
    ErrorCode("already_retried", 3042, 409, False,
              "{task_id} 已重试为 {retried_as}",
              "{task_id} runs again as {retried_as} already. Retry that one."),
    ErrorCode("task_changed", 3043, 409, False,
              "{task_id} 已被更改，现为版本 {revision}",
              "{task_id} has changed since you saw it; it is at revision {revision} now. Look "
              "at it again."),
    ErrorCode("count_differs", 3047, 409, False,
              "应取消 {count} 个任务，现有 {matching} 个符合条件，未取消任何任务",
              "{count} were meant, and {matching} match now. Nothing was cancelled. Ask again "
              "how many match, then name that count."),
    ErrorCode("resource_not_held", 3048, 404, False,
              "{resource} 未被占用", "{resource} is held by nobody."),
    ErrorCode("resource_in_use", 3049, 409, False,
              "{resource} 未释放: {reason}",
              "{resource} is not released: {reason}. GET /resources says who holds what."),
    ErrorCode("program_lost", 3050, 410, False,
              "程序文本缺失或已损坏 ({sha256}): {reason}",
              "The text of this program ({sha256}) is missing, or is not what was handed in, so "
              "nothing of it was sent: {reason}. Hand the program in again."),
    ErrorCode("programs_full", 3051, 507, False,
              "程序存储已满: 已用 {used} 字节，上限 {limit} 字节 (limits.programs_bytes)",
              "The kept programs take {used} bytes, and may take {limit} (limits.programs_bytes). "
              "A program goes with the last task that names it: set limits.programs_bytes higher, "
              "or retention.tasks_days lower."),
    ErrorCode("batch_not_found", 3044, 404, False,
              "批次不存在: {batch_id}", "No such batch: {batch_id}"),
    ErrorCode("timeout", 3020, 504, True,
              "任务超时: {timeout_s} 秒",
              "Not finished within {timeout_s} s; the robot was stopped."),
    ErrorCode("outcome_unknown", 3021, 500, False,
              "任务结果未知: {cause}",
              "It is not known how this command ended ({cause}). Look at the robot, then "
              "resolve the task."),
    ErrorCode("stopped", 3022, 409, False, "任务已停止: {reason}", "Stopped: {reason}"),
    ErrorCode("stopped_by_shutdown", 3023, 503, False,
              "服务关闭时任务被停止", "The daemon was shut down and stopped this command."),
    ErrorCode("batch_failed", 3024, 409, False,
              "同批任务 {task_id} 失败，已取消", "Not run, because {task_id} of its batch failed."),
    ErrorCode("expired", 3025, 410, False,
              "任务已过期", "Not run, because it was not started before its expires_at."),
    ErrorCode("shutting_down", 3026, 503, True,
              "服务正在关闭", "The daemon is shutting down and accepts nothing new."),
    ErrorCode("item_not_found", 3013, 404, False,
              "清单项不存在: {item_id}", "No such item of the checklist: {item_id}"),
    ErrorCode("item_batch_not_found", 3014, 404, False,
              "清单批次不存在: {batch_id}", "No such batch of items: {batch_id}"),
    ErrorCode("item_in_use", 3015, 409, False,
              "{robot} 正在等待此清单项，请勾选完成，或取消任务 {task_id}",
              "{robot} waits for this item. Tick it off, or cancel {task_id}."),
    ErrorCode("lease_expired", 3027, 504, True,
              "工作者 {worker} 未按时答复",
              "{worker} took this and was not heard of in time; it was offered often enough."),
    ErrorCode("task_timeout", 3028, 504, True,
              "任务超时", "Not finished in the time that was given for waiting and working."),
    ErrorCode("worker_lost", 3029, 502, True,
              "工作者 {worker} 已断开", "{worker} left before it was done."),
    ErrorCode("retries_used_up", 3030, 409, False,
              "重试次数已用完: {retries}/{limit}",
              "It was tried {retries} of {limit} times again."),
    ErrorCode("rejected", 3031, 409, False,
              "任务被 {actor} 拒绝: {reason}", "Not run, because {actor} rejected it: {reason}"),
    # the device
    ErrorCode("internal_error", 5000, 500, False,
              "内部错误 ({reference})",
              "Internal error; the daemon's log has it as {reference}."),
    ErrorCode("device_error", 5001, 422, False,
              "设备错误: {reason}", "The device reports: {reason}"),
    ErrorCode("device_reset", 5002, 422, False,
              "设备已重启: {reason}",
              "The device restarted in the middle of the command: {reason}"),
    ErrorCode("answer_timeout", 5003, 408, False,
              "等待输入超时: {timeout_s} 秒", "Nobody answered within {timeout_s} s: {prompt}"),
    ErrorCode("worker_error", 5004, 422, False,
              "工作者报告错误: {reason}", "The worker reports: {reason}"),
    ErrorCode("result_too_large", 5005, 422, False,
              "结果过大: {bytes}，上限 {limit_bytes} 字节 (interfaces.dispatcher.result_bytes)",
              "Result too large: {bytes}, the limit is {limit_bytes} "
              "(interfaces.dispatcher.result_bytes)"),
    ErrorCode("scanner_absent", 5021, 502, True,
              "扫码器未连接: {reason}", "The scanner is not there: {reason}"),
    ErrorCode("code_refused", 5022, 422, False,
              "扫码结果不可信，已拒绝: {reason}",
              "What the scanner sent may be another code, so it is not taken: {reason}"),
    ErrorCode("device_absent", 5023, 502, True,
              "设备 {device} 未连接: {reason}", "The device {device} is not there: {reason}"),
    ErrorCode("picture_refused", 5025, 422, False,
              "未采用相机的图片: {reason}", "The camera's picture is not taken: {reason}"),
    ErrorCode("artifact_not_kept", 5024, 503, True,
              "文件 {name} 未能保存: {reason}",
              "{name}, which the command needs, could not be kept: {reason}"),
)  # fmt: skip

ERROR_CODES: dict[str, ErrorCode] = {row.name: row for row in _ROWS}


_OF_DEVICES = frozenset(
    {
        "device_error",
        "device_reset",
        "robot_disconnected",
        "robot_cannot",
        "program_refused",
        "bad_parameter",
        "scanner_absent",
        "device_absent",
        "code_refused",
        "picture_refused",
    }
)
"""Their reason is what a driver says; in others a person may have said it."""


def error_text(code: str, args: JsonObject, language: Language) -> str:
    """The message for a code in `language`; arguments that are missing stay visible as {name}."""
    row = ERROR_CODES[code]
    if language is Language.ZH and code in _OF_DEVICES:
        args = of_device(args)
    return fill(row.en if language is Language.EN else row.zh, args, language)


class RobotqError(Exception):
    """An expected error: a code of the table and the arguments of its text."""

    def __init__(self, code: str, /, **args: Any) -> None:
        self.code = ERROR_CODES[code]
        self.args_ = args
        super().__init__(error_text(code, args, Language.EN))

    def text(self, language: Language) -> str:
        return error_text(self.code.name, self.args_, language)


class NotReadable(RobotqError):
    """A store_unavailable of whoever wanted to read."""

    def __init__(self, reason: str) -> None:
        super().__init__("store_unavailable", reason=reason)
        self.args = (self.text(Language.EN),)

    def text(self, language: Language) -> str:
        assert self.code.read is not None
        zh, en = self.code.read
        return fill(en if language is Language.EN else zh, self.args_, language)


class ConfigError(Exception):
    """A configuration that cannot be used: names file, key and what was expected."""


class NotWritten(Exception):
    """The disk did not take everything before the daemon ended: the text says what it did not
    confirm. What was told to anybody before is on it."""


class DataUnavailable(ConfigError):
    """A data folder that cannot be used now. It may be later, as a wrong configuration never
    is: whoever starts daemons should try again."""

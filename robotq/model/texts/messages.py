"""What answers, webhooks, notifications and questions say."""

from __future__ import annotations

from collections.abc import Mapping

MESSAGES: Mapping[str, tuple[str, str]] = {
    # answers of the robot interface: the words of its document
    "queued": ("任务已加入队列", "Task queued"),
    "queued_note": (
        "使用 GET /task/<task_id> 查询任务状态",
        "Use GET /task/<task_id> to ask for its state",
    ),
    "done": ("{cmd_type}完成", "{cmd_type} done"),
    # why a run of a command that repeats by the clock did not take place
    "skip.off": (
        "当时服务未运行，或时钟被调整",
        "the daemon did not run then, or somebody has set its clock",
    ),
    "skip.held": ("{robot} 的队列当时被保持", "the queue of {robot} was held"),
    "skip.before": ("上一次运行 {task_id} 尚未结束", "the run before, {task_id}, has not ended"),
    "export_more": (
        "还有更多任务: 使用 cursor={cursor} 继续导出",
        "there are more tasks: export again with cursor={cursor}",
    ),
    # why a webhook is not acknowledged
    "webhook.not_allowed": (
        "{host} 不在 webhooks.allowed_hosts 中",
        "{host} is not in webhooks.allowed_hosts",
    ),
    "webhook.status": ("接收方返回状态 {status}", "the receiver answered with status {status}"),
    "webhook.not_received": (
        '接收方没有返回 {{"received": true}}',
        'the receiver did not answer {{"received": true}}',
    ),
    "webhook.timeout": (
        "接收方在 {timeout_s} 秒内没有确认",
        "the receiver did not acknowledge within {timeout_s} s",
    ),
    "webhook.unreachable": (
        "无法发送到接收方: {reason}",
        "the receiver cannot be reached: {reason}",
    ),
    "webhook.task_gone": ("任务已被清除", "its task was removed by retention"),
    "webhook.too_many": (
        "等待发送的回调过多: 上限 {limit}",
        "too many webhooks were waiting (limit {limit})",
    ),
    # what people are told who are not there
    "notify.estop": ("急停已触发", "Emergency stop"),
    "notify.outcome_unknown": ("命令结果未知", "It is not known how a command ended"),
    "notify.disconnected": ("机器人未连接", "The robot is not connected"),
    "notify.failed": ("命令失败", "A command has failed"),
    "notify.needs_person": ("需要人工处理", "Somebody is needed"),
    "notify.value": ("数值超出正常范围", "A value is out of its normal range"),
    "notify.maintenance": ("需要维护", "Maintenance is due"),
    "notify.test": ("测试通知", "A test of notifications"),
    "notify.all_robots": ("所有机器人", "all robots"),
    "notify.escalated": (
        "{minutes} 分钟无人确认: {title}",
        "Not acknowledged for {minutes} min: {title}",
    ),
    "notify.ended": ("已结束: {title}", "Over: {title}"),
    # questions of the simulated lab
    "ask.bottle_id": (
        "无法读取瓶子 {slot_index} 的二维码，请输入编号",
        "The code in slot {slot_index} cannot be read. Enter the bottle's data.",
    ),
    "ask.manual_step": ("{title}", "{title}"),
}

"""What answers, webhooks, notifications and questions say, and what is said of a robot that is
moved by hand or is sent a raw line."""

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
    # why a robot is not moved by hand
    "reason.jog_cannot": (
        "其驱动或配置不支持手动移动",
        "its driver cannot, or its configuration lets nobody",
    ),
    "reason.jog_not_paused": ("请先暂停其队列", "pause its queue first"),
    "reason.jog_another": ("有人正在手动移动它", "somebody moves it by hand"),
    "reason.jog_held": (
        "它因其他原因被暂停 ({hold})",
        "something else holds it ({hold})",
    ),
    "reason.jog_not_free": (
        "它正在执行任务或尚未就绪",
        "it has a command, or is about to stop; wait until it stands",
    ),
    "reason.jog_over": ("手动移动之后", "after it was moved by hand"),
    "reason.jog_uncertain": (
        "手动移动如何结束未知，请查看机器人",
        "nobody can say how a move by hand ended: look at the robot",
    ),
    "reason.raw_cannot": ("其驱动不接受原始指令", "its driver takes none"),
    "reason.raw_another": ("有人正在向它发送原始指令", "somebody sends it a raw line"),
    "reason.raw_over": ("原始指令之后", "after a raw line"),
    "reason.raw_uncertain": (
        "原始指令如何结束未知，请查看机器人",
        "nobody can say how a raw line ended: look at the robot",
    ),
    # how a raw line has ended
    "raw.answered": ("已执行，位置未知: 请先回零", "Done. Where it stands is unknown: home it."),
    "raw.refused": ("控制器拒绝: {error}", "The controller has refused it: {error}"),
    "raw.timeout": ("未按时完成，机器人已停止", "Not done in time; the robot was stopped."),
    "raw.stopped": ("机器人已被停止", "Somebody has stopped the robot."),
    "raw.estop": ("急停已触发", "Emergency stop."),
    "raw.held": ("未发送: 机器人被暂停", "Not sent: something else holds the robot."),
    "raw.link_lost": ("与机器人的连接中断: {error}", "The link to the robot is lost. {error}"),
    "raw.uncertain": (
        "无法确认如何结束，请查看机器人: {error}",
        "Nobody can say how it ended: look at the robot. {error}",
    ),
    # why a move by hand has ended
    "jog.released": ("已松开按钮", "The button was let go."),
    "jog.no_renewal": (
        "连接中断或变慢，已停止",
        "Nothing was heard in time that the button is held.",
    ),
    "jog.closed": ("页面已关闭或离开", "The page was closed, or left."),
    "jog.limit": ("已到达工作区边界", "It is at the edge of its work area, or of one jog."),
    "jog.stopped": ("机器人已被停止", "Somebody has stopped the robot."),
    "jog.estop": ("急停已触发", "Emergency stop."),
    "jog.held": ("机器人被暂停", "Something else holds the robot."),
    "jog.shutdown": ("服务正在关闭", "The daemon is shutting down."),
    "jog.robot_error": ("设备报告: {error}", "The device reports: {error}"),
    "jog.link_lost": ("与机器人的连接中断: {error}", "The link to the robot is lost. {error}"),
    "jog.uncertain": (
        "无法确认如何结束，请查看机器人: {error}",
        "Nobody can say how it ended: look at the robot. {error}",
    ),
    "jog.not_recorded": (
        "磁盘无法写入，未移动: {error}",
        "The disk did not take it, so nothing has moved: {error}",
    ),
}

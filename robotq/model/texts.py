"""Texts that people read, in Chinese and English, addressed by code.

The arguments `cause` and `reason` may themselves be codes of this table, `cause.…` and
`reason.…`; they are rendered with the other arguments, so that they can be stored and still be
read in any language.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from robotq.model.device_texts import in_chinese
from robotq.model.json import JsonObject


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


TEXTS: Mapping[str, tuple[str, str]] = {
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
    # holds: `hold.<code>` says why, `clear.<code>` what to do
    "hold.paused": ("队列已暂停: {reason}", "Paused by {actor}: {reason}"),
    # somebody else had set it before
    "hold.several": ("{latest}；此前: {before}", "{latest}; before that: {before}"),
    "reason": ("{reason}", "{reason}"),
    "hold.estop": ("{actor} 触发急停: {reason}", "Emergency stop by {actor}: {reason}"),
    "hold.disconnected": ("机器人未连接: {reason}", "The robot is not connected: {reason}"),
    "hold.outcome_unknown": (
        "任务 {task_id} 的结果未知: {cause}",
        "It is not known how {task_id} ended: {cause}",
    ),
    "hold.failure": (
        "任务 {task_id} 失败",
        "{task_id} failed, and this robot stops after failures",
    ),
    "hold.motion_held": (
        "动作被 {actor} 暂停: {reason}",
        "The motion is held by {actor}: {reason}",
    ),
    "hold.store_unavailable": ("存储不可用: {reason}", "The disk takes no writes: {reason}"),
    "hold.restarted": (
        "服务已重启，机器人等待确认",
        "The daemon has restarted; this robot does not move by itself after a restart",
    ),
    "hold.shutdown": (
        "任务 {task_id} 被关机中断，位置不确定",
        "A shutdown cut {task_id} short; where the robot stands is not certain",
    ),
    "hold.unresponsive": (
        "驱动没有响应: {task_id}",
        "The driver has not come back from {task_id}",
    ),
    "hold.stopping": ("服务正在关闭", "The daemon is shutting down"),
    "hold.does_not_fit": (
        "任务 {task_id} 不再符合当前配置: {reason}",
        "{task_id} no longer fits the configuration: {reason}",
    ),
    "hold.not_configured": (
        "配置中没有 {robot}，{tasks} 个任务在等待",
        "{robot} is not in the configuration; {tasks} of its commands wait",
    ),
    "clear.paused": ("恢复队列", "Resume the queue"),
    "clear.estop": (
        "确认安全后复位急停，然后恢复队列",
        "Make sure that it is safe, reset the emergency stop, then resume the queue",
    ),
    "clear.disconnected": (
        "检查电源和线缆，连接会自动恢复",
        "Check power and cable; the link is restored by itself",
    ),
    "clear.outcome_unknown": (
        "查看机器人，然后确认该任务的结果",
        "Look at the robot, then resolve the task as completed, failed or retry",
    ),
    "clear.failure": ("查明原因后恢复队列", "Find the cause, then resume the queue"),
    "clear.motion_held": (
        "确认安全后恢复动作",
        "Make sure that it is safe, then resume the motion",
    ),
    "clear.store_unavailable": (
        "释放或修复磁盘，之后自动恢复",
        "Free or mend the disk; the daemon goes on by itself",
    ),
    "clear.restarted": (
        "确认机器人可以运动后恢复队列",
        "Make sure that the robot may move, then resume the queue",
    ),
    "clear.shutdown": (
        "确认机器人的位置后恢复队列",
        "Make sure where the robot stands, then resume the queue",
    ),
    "clear.unresponsive": (
        "等待，或重启服务",
        "Wait, or restart the daemon if the driver stays stuck",
    ),
    "clear.stopping": ("重新启动服务", "Start the daemon again"),
    "clear.does_not_fit": (
        "取消该任务，或修正配置后重新加载",
        "Cancel it, or put the configuration right and reload",
    ),
    "clear.not_configured": (
        "将任务移到其他机器人或取消，或在配置中恢复该机器人并重启服务",
        (
            "Move its commands to another robot, cancel them, or put the robot back into the "
            "configuration and restart the daemon"
        ),
    ),
    "hold.jogging": (
        "{actor} 正在手动移动机器人 ({axis} 轴)",
        "{actor} moves the robot by hand (axis {axis})",
    ),
    "clear.jogging": (
        "松开按钮后自动解除，队列保持暂停",
        "Ends when the button is let go; the queue stays paused",
    ),
    "hold.raw_line": (
        "{actor} 正在向控制器发送原始指令: {line}",
        "{actor} has sent its controller a raw line: {line}",
    ),
    "clear.raw_line": (
        "指令结束后自动解除，队列保持暂停；停止机器人可提前结束",
        "Ends with the line, or by a stop of the robot; the queue stays paused",
    ),
    "hold.isolated": (
        "没有集群的消息: {reason}",
        "Nothing is heard from the fleet: {reason}",
    ),
    "clear.isolated": (
        "恢复网络或数据库后自动解除；确认安全后也可恢复队列",
        (
            "Mend the network or the database, then it goes on by itself; or make sure that it is "
            "safe, and resume the queue"
        ),
    ),
    "clear.approval": (
        "由人批准或拒绝该任务",
        "A person approves the task, or rejects it",
    ),
    # waits of a task
    "wait.approval": ("等待批准", "Waits for approval"),
    "wait.not_before": ("未到开始时间", "Is not due yet"),
    "wait.resource": (
        "{resource} 被 {occupied_by} 占用",
        "{resource} is occupied by {occupied_by}",
    ),
    "wait.does_not_fit": (
        "不再符合当前配置: {reason}",
        "No longer fits the configuration: {reason}",
    ),
    "wait.batch": (
        "前面的批次先执行，其下一个任务 {blocked_by} 在等待: {because}",
        "A batch in front goes first, and its next command {blocked_by} waits: {because}",
    ),
    "wait.cancelling": ("正在取消", "Is being cancelled"),
    "wait.ahead": ("排在第 {position} 位", "Is number {position} in line"),
    "wait.question": ("{task_id} 在询问: {prompt}", "{task_id} asks: {prompt}"),
    "wait.no_worker": ("没有工作者可以领取", "No worker that could take it is there"),
    "wait.workers_busy": ("所有工作者都在忙", "Every worker that could take it is busy"),
    "wait.starting": ("即将开始", "Is about to begin"),
    "wait.folder": (
        "文件夹 {folder} 中有文件在等待 ({file}): {reason}",
        "Files in the folder {folder} wait ({file}): {reason}",
    ),
    # what clears them
    "clear.not_before": (
        "{until} 之后自动开始；也可以取消",
        "It is due at {until}; cancel it if it is not wanted",
    ),
    "clear.resource.running": (
        "{occupied_by} 正在执行 {occupant_task}，离开后自动继续",
        "{occupied_by} carries out {occupant_task}; it goes on when {occupied_by} has left",
    ),
    "clear.resource.idle": (
        "{occupied_by} 空闲地停在那里：让它离开",
        "{occupied_by} stands there with nothing to do: send it away",
    ),
    "clear.resource.held": (
        "{occupied_by} 停在那里，其队列被暂停：先恢复，再让它离开",
        "{occupied_by} stands there and its queue is held: clear that, then send it away",
    ),
    "clear.resource.absent": (
        "{occupied_by} 不在线或不在配置中：确认它不在那里，然后释放 {resource}",
        "{occupied_by} is not here by all that is known: look, then release {resource}",
    ),
    "clear.resource": (
        "让 {occupied_by} 离开；确认它不在那里时可释放 {resource}",
        "Send {occupied_by} away with a command, or release {resource} if it is not there",
    ),
    "clear.folder": (
        "原因消除后自动领取；可取消不需要的任务以腾出空间",
        "They are taken as soon as that is over; to make room, cancel what is not wanted",
    ),
    "clear.cancelling": ("等待", "Wait a moment"),
    "clear.ahead": ("等待前面的任务", "Wait for what comes first"),
    "clear.question": ("回答问题，或取消该任务", "Answer it, or cancel the task"),
    "clear.no_worker": ("启动一个工作者", "Start a worker for {queue}"),
    "clear.workers_busy": ("等待，或启动更多工作者", "Wait, or start another worker"),
    "clear.starting": ("等待", "Wait a moment"),
    # causes of an unknown outcome
    "cause.daemon_died": (
        "服务在执行过程中中断",
        "the daemon died while the command ran",
    ),
    "cause.daemon_died_again": (
        "服务在执行该任务的 {attempts} 次中都中断，可能由该任务引起",
        "the daemon died in each of the {attempts} runs of this command; it is not begun again",
    ),
    "cause.daemon_died_unsettled": (
        "服务在执行过程中中断；事后询问设备，无法确定结果: {reason}",
        "the daemon died while the command ran; asked for it, the device could not say: {reason}",
    ),
    "cause.unsettled": (
        "与机器人的连接中断 ({lost})；事后询问设备，无法确定结果: {reason}",
        "the link to the robot broke ({lost}); asked for it, the device could not say: {reason}",
    ),
    "cause.link_lost": ("与机器人的连接中断: {reason}", "the link to the robot broke: {reason}"),
    "cause.device_reset": ("设备在执行中重启: {reason}", "the device restarted: {reason}"),
    "cause.answer_lost": (
        "控制器的应答与发送的指令不一致: {reason}",
        "the controller's answers do not match what it was sent: {reason}",
    ),
    "cause.driver_raised": ("驱动异常: {reason}", "the driver raised {reason}"),
    "cause.internal_error": ("服务内部错误: {reason}", "the daemon itself failed: {reason}"),
    "cause.stop_unconfirmed": (
        "停止未得到确认: {reason}",
        "the robot did not confirm that it stopped ({reason})",
    ),
    # steps of `finally` after a command that has not completed
    "finally.failed": (
        "收尾步骤 (finally) 未完成: {reason}",
        "Its last steps (finally) were not completed: {reason}",
    ),
    "finally.not_run": (
        "收尾步骤 (finally) 未执行: {reason}",
        "Its last steps (finally) were not run: {reason}",
    ),
    # why a device that was asked what became of a command is not believed, or was not asked
    "reason.handed_on": ("已移交给其他机器人", "a person has handed it on to another robot"),
    "reason.fleet_not_asked": (
        "集群数据库不可用，尚不知任务是否已被移交",
        "its database is away, and nobody knows yet which of the commands here were handed on",
    ),
    "reason.fleet_silent": (
        "数据库和其他守护进程均无消息，集群急停无法到达",
        "neither its database nor another daemon; a stop of the fleet would not reach this one",
    ),
    "reason.never_started": ("设备从未开始执行", "the device has never begun it"),
    "reason.no_link_to_ask": ("连接未恢复", "the link has not come back in time"),
    "reason.settle_too_late": ("驱动未及时回答", "the driver gave no answer in time"),
    "reason.settled_other_run": (
        "设备回答的是另一次执行",
        "the device answered for another run",
    ),
    "reason.settled_other_boot": (
        "设备在此期间重启，不能确定其记录",
        "the device has lost its memory since the command was started",
    ),
    "reason.settled_without_boot": (
        "设备称从未开始，但不能证明它没有丢失记录",
        "the device says that it was never started, and cannot show that it has kept its memory",
    ),
    "reason.start_may_arrive": (
        "设备称从未开始，但启动请求可能仍会到达",
        "the device says that it was never started, and the start may still arrive",
    ),
    "reason.finally_estop": ("已急停", "an emergency stop is latched"),
    "reason.finally_closed": ("驱动已关闭", "the driver was closed"),
    "reason.finally_no_link": ("没有连接", "there is no link"),
    "reason.finally_unknown": (
        "不能确定机器人在做什么",
        "nobody can say what the robot does",
    ),
    "reason.finally_stopped": ("在执行中又被停止", "stopped while they ran"),
    # where a program was when its command ended
    "stopped_at.none_sent": ("程序一行也未发送。", "No line of its program was sent."),
    "stopped_at.none_answered": (
        "程序共 {lines} 行，没有任何一行得到应答；第 {begun} 行之后未开始。",
        "None of the {lines} lines of its program was answered; none after {begun} has begun.",
    ),
    "stopped_at.answered": (
        "程序共 {lines} 行，最后应答的是第 {answered} 行 ({line})；第 {begun} 行之后未开始。",
        "Line {answered} of {lines} was answered last ({line}); none after {begun} has begun.",
    ),
    "stopped_at.done": ("到第 {done} 行肯定已完成。", "Those up to {done} are surely done."),
    "stopped_at.none_done": (
        "不能确定哪些行已完成。",
        "It is not certain that any of them is done.",
    ),
    # reasons that the daemon itself gives
    "reason.estop_reset": ("急停已复位", "the emergency stop was reset"),
    "reason.resolved": (
        "未知结果已确认",
        "an unknown outcome was resolved, and nobody has said that the rest goes on",
    ),
    "reason.stop": ("已停止", "stopped"),
    "reason.restored": (
        "已从 {made_at} 的备份恢复，备份之后执行过的任务会再次执行",
        "restored from the backup of {made_at}; what ran after it would run again",
    ),
    "reason.latch_unreadable": (
        "急停记录文件无法读取",
        "the file that keeps the emergency stop cannot be read",
    ),
    "reason.no_answer": (
        "磁盘没有应答；之后若仍被写入，将被撤销",
        "the disk does not answer; what it writes later all the same is called off",
    ),
    "reason.not_read": ("磁盘没有应答", "the disk does not answer"),
    "reason.written_late": (
        "磁盘应答过晚：已被告知失败的更改后来被写入",
        "the disk answered too late: it has written a change that was told to have failed",
    ),
    "reason.at_robot": ("在机器人处停止", "stopped at the robot"),
    "reason.held_at_robot": ("在机器人处暂停", "paused at the robot"),
    "reason.hold_unconfirmed": (
        "暂停未得到机器人确认",
        "the robot has not confirmed that it pauses",
    ),
    "reason.program_pause": (
        "程序中有暂停指令 (M0)",
        "the program pauses until somebody resumes (M0)",
    ),
    "reason.paused_for_user": (
        "控制板等待人员操作 (paused for user)：请按控制板旋钮，或恢复动作 (M108)",
        "the board waits for a person (paused for user): press its knob, or resume (M108)",
    ),
    "reason.paused_at_machine": (
        "控制板等待人员操作 (paused for user)：请在机器上按旋钮，恢复指令 (M108) 不可用",
        (
            "the board waits for a person (paused for user): press its knob; a resume (M108) "
            "does not reach it, or could reach another machine"
        ),
    ),
    "reason.door": ("安全门已打开", "the safety door is open"),
    "reason.door_closed": (
        "安全门曾打开，现已关闭，等待恢复",
        "the safety door was opened; it is closed, and the robot waits to be resumed",
    ),
    "reason.tool_change": ("等待换刀", "the robot waits for a tool change"),
    # why nothing is taken from a picture of a camera
    "reason.picture_old": (
        "它在请求之前拍摄，或无法确定",
        "it was taken before it was asked for, or may have been",
    ),
    "reason.picture_same": ("它与之前的图片完全相同", "it is the same as the one before"),
    "reason.picture_undated": (
        "其 {header} 中没有时间",
        "there is no time in its header {header}",
    ),
    "reason.picture_ahead": (
        "它的时间比本机快 {seconds} 秒：请校准两个时钟",
        "its time is {seconds} s ahead of this machine: set both clocks",
    ),
    "reason.picture_none": ("还没有图片", "there is no picture yet"),
    "reason.picture_unfinished": ("文件仍在写入", "its file is still written to"),
    "reason.picture_bytes": (
        "它超过 {limit} 字节 (max_bytes)",
        "it is larger than {limit} bytes (max_bytes)",
    ),
    "reason.picture_pixels": (
        "{size} 像素过多，上限 {limit} (max_pixels)",
        "{size} are more pixels than {limit} (max_pixels)",
    ),
    "reason.picture_frames": (
        "它有 {frames} 帧，不是单张图片",
        "it has {frames} frames and is no single picture",
    ),
    "reason.picture_damaged": (
        "它已损坏或不是图片 ({error})",
        "it is damaged, or no picture ({error})",
    ),
    "reason.codes_in_view": (
        "图片中有 {count} 个码：请设置 `region`",
        "{count} codes are in view: set `region`",
    ),
    "reason.code_unsure": (
        "{shown} 每次读取的结果不同，不可信",
        "{shown} is read in another way at each look",
    ),
    "reason.code_encoding": (
        "{shown} 不是 {encoding} 文本；见 `encoding`",
        "{shown} is no text in {encoding}; see `encoding`",
    ),
    "reason.code_encodings": (
        "{shown} 使用多种编码",
        "{shown} names more encodings than one, or in its middle",
    ),
    "reason.code_nul": ("{shown} 为空或含有 NUL", "{shown} is empty, or holds a NUL"),
    "reason.code_long": (
        "{length} 个字符过长",
        "{length} characters are more than a code can hold",
    ),
    # why a file of a task is not there
    "reason.artifact_none": ("任务未列出该文件", "its task lists none of this name"),
    "reason.artifact_gone": (
        "文件已丢失，`robotq doctor` 会说明",
        "its file is lost; `robotq doctor` says more",
    ),
    "reason.artifact_nowhere": (
        "数据库在内存中，文件无处保存",
        "the database is in memory, so there is no folder for it",
    ),
    "reason.artifact_too_large": (
        "文件过大 (artifacts.each_bytes)",
        "it is larger than artifacts.each_bytes",
    ),
    "reason.artifact_too_many": (
        "该任务的文件过多 (artifacts.per_task)",
        "its task has as many as artifacts.per_task allows",
    ),
    "reason.artifact_no_room": (
        "文件夹已满 (artifacts.max_bytes)",
        "the folder holds as much as artifacts.max_bytes allows",
    ),
    "reason.artifact_disk": ("磁盘无法写入", "the disk did not take it"),
    "reason.artifact_late": ("磁盘没有及时应答", "the disk did not answer in time"),
    "reason.artifact_no_way": (
        "设备协议不传送文件",
        "the protocol of this device carries no files",
    ),
    "reason.artifact_over": ("任务已经结束", "its task had ended"),
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
    "reason.connecting": ("正在连接", "connecting"),
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


class _Visible(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


_OF_DEVICES = frozenset(
    {
        "hold.disconnected",
        "jog.robot_error",
        "jog.link_lost",
        "jog.uncertain",
        "raw.refused",
        "raw.link_lost",
        "raw.uncertain",
    }
)
"""Texts with what a driver says; in others a person may have said it."""


def of_device(args: JsonObject) -> JsonObject:
    """With what a driver says of its device in Chinese, as far as it is a text of ours."""
    told = {key: args[key] for key in ("reason", "error", "lost") if type(args.get(key)) is str}
    return {**args, **{key: in_chinese(value) for key, value in told.items()}}


def text(code: str, args: JsonObject, language: Language) -> str:
    """The text of `code`; a code that is not in the table is its own text."""
    row = TEXTS.get(code)
    if row is None:
        return code
    if language is Language.ZH and (code.startswith("cause.") or code in _OF_DEVICES):
        args = of_device(args)
    return fill(row[1] if language is Language.EN else row[0], args, language)


def fill(template: str, args: JsonObject, language: Language) -> str:
    """Put the arguments into a template; one that is missing stays visible as {name}."""
    values = _Visible(args)
    for key in ("cause", "reason"):
        code = args.get(key)
        # other texts of this table are not meant: a person may have given any word as a reason
        if isinstance(code, str) and code.startswith(f"{key}.") and code in TEXTS:
            others = {name: value for name, value in args.items() if name != key}
            values[key] = text(code, others, language)
    return template.format_map(values)

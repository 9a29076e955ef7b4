"""Why something was, or was not: causes of an unknown outcome, where a program was, and what the
daemon itself gives as a reason."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, tuple[str, str]] = {
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
    "cause.unsettled_there": (
        "{lost}；事后询问设备，无法确定结果: {reason}",
        "{lost}; asked for it, the device could not say: {reason}",
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
    # reasons that the daemon itself gives
    # why the machine that drove before had held the queue, where nobody had said it in words
    "reason.there_paused": ("未说明原因", "no reason was given"),
    "reason.there_outcome_unknown": (
        "那里有一条命令的结果未知：请查看机器人",
        "nobody knows how a command ended there: look at the robot",
    ),
    "reason.there_failure": ("那里有一条命令失败", "a command failed there"),
    "reason.there_motion_held": ("那里暂停了动作", "the motion was held there"),
    "reason.there_restarted": (
        "那里的守护进程重新启动，有命令在等待",
        "the daemon there had been started anew, with commands waiting",
    ),
    "reason.there_shutdown": (
        "那里的守护进程关闭时中断了一条命令：请查看机器人",
        "the daemon there ended and cut a command short: look at the robot",
    ),
    "reason.there_not_configured": (
        "那里的配置中没有该机器人",
        "the configuration there did not have the robot",
    ),
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
    "reason.connecting": ("正在连接", "connecting"),
}

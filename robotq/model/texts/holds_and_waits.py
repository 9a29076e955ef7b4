"""Why a queue or a task does not move, and what clears that."""

from __future__ import annotations

from collections.abc import Mapping

HOLDS_AND_WAITS: Mapping[str, tuple[str, str]] = {
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
    "clear.disconnected.options": (
        "设备与配置不符，请修正配置后重启服务；若设备的程序被改回，连接会自动恢复",
        (
            "Put the robot's options right and restart the daemon: they are not what is there. "
            "Where the program of the device is put back, the link is restored by itself"
        ),
    ),
    "clear.outcome_unknown": (
        "查看机器人，然后确认该任务的结果",
        "Look at the robot, then say whether it was done: completed, failed or retry",
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
}

// Texts of the wall, of alarms and of the desk: English, Chinese.

export const DESK = {
  "view.wall": ["Wall", "大屏"],
  "face.idle": ["Idle", "空闲"], "face.working": ["Working", "运行中"], "face.stopped": ["Stopped", "已停止"],
  "face.silent": ["Silent", "无响应"], "face.unknown": ["Unknown", "结果未知"], "face.offline": ["Offline", "未连接"],
  "face.disk": ["Disk", "磁盘故障"], "face.absent": ["Absent", "未配置"], "face.asks": ["Asks", "提问"], "face.manual": ["Manual", "人工步骤"],
  "face.held": ["Held", "动作暂停"], "face.failed": ["Failed", "失败"], "face.check": ["Check", "需检查"], "face.misfit": ["Misfit", "不符配置"],
  "face.paused": ["Paused", "已暂停"], "face.ending": ["Ending", "正在关闭"], "face.blocked": ["Blocked", "受阻"], "face.approve": ["Approve", "待批准"],
  "face.old": ["Outdated", "已过期"],
  "wall.more": ["and {count} more", "另有 {count} 项"], "wall.rest": ["{count} more robots, all of them as usual", "另有 {count} 台机器人，均正常"],
  "wall.for": ["for {time}", "已 {time}"], "wall.was": ["{word} at {clock}", "{clock} 时：{word}"],
  "wall.until": ["waits until {clock}", "等待至 {clock}"], "wall.done": ["done {clock}", "{clock} 完成"],
  "wall.then": ["then {title}", "之后：{title}"], "wall.waiting": ["{count} waiting", "{count} 个等待"],
  "alarm.first": ["came first", "最先出现"], "alarm.ack": ["Seen", "已看到"], "alarm.ack.title": ["Say by name that you have seen this", "以姓名确认已看到"],
  "alarm.shelve": ["No sound…", "静音…"], "alarm.shelve.title": ["No sound of this for a time; the hold stays", "暂时静音，保持不变"],
  "alarm.shelve.ask": ["No sound of this for how long?", "静音多久？"],
  "alarm.shelve.text": ["It ends by itself. The hold and its reason stay, and are shown.", "到时自动恢复。保持及其原因仍然显示。"],
  "alarm.sound": ["Sound on", "恢复声音"],
  "priority.high": ["High", "高"], "priority.medium": ["Medium", "中"], "priority.low": ["Low", "低"],
  "alarm.seen": ["seen by {actor} at {clock}", "{actor} 已于 {clock} 确认"], "alarm.shelved": ["no sound until {clock} ({actor})", "静音至 {clock}（{actor}）"],
};

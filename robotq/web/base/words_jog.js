// Texts of moving a robot by hand: English, Chinese.

export const JOG = {
  "jog": ["Move by hand", "手动移动"],
  "jog.hold": ["Hold a button: the axis moves until you let go. The queue stays paused.", "按住按钮移动，松开即停。队列保持暂停。"],
  "jog.speed": ["Speed", "速度"], "jog.mm_s": ["{speed} mm/s", "{speed} 毫米/秒"],
  "jog.axis": ["{axis}, to {sign}", "{axis} 轴，{sign} 方向"], "jog.plus": ["plus", "正"], "jog.minus": ["minus", "负"],
  "jog.moves": ["Moves while you hold", "按住时移动"], "jog.cannot": ["This robot cannot be moved by hand.", "此机器人不支持手动移动。"],
  "jog.lost": ["The connection has ended: it is told to stand.", "连接已断开，机器人停止。"],
  "jog.moved": ["{message} {mm} mm", "{message} {mm} 毫米"],
  "jog.unhomed": ["Nobody knows where it stands: at most {mm} mm each time.", "位置未知：每次最多 {mm} 毫米。"],
  "jog.home": ["Home", "回零"],
  "raw": ["Raw line", "原始指令"], "raw.line": ["Line in the controller's language", "控制器指令"], "raw.send": ["Send", "发送"],
  "raw.hint": ["Sent as it is: no limit holds for it. Afterwards the position is unknown until it is homed, and the queue stays paused.", "原样发送，不受任何限制。之后位置未知，须先回零；队列保持暂停。"],
  "raw.sent": ["Sent; it is not done yet", "已发送，尚未完成"],
};

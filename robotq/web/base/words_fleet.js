// Texts of the fleet: English, Chinese.

export const FLEET = {
  "view.fleet": ["Fleet", "集群"], "fleet.title": ["All daemons of the fleet", "集群中的所有守护进程"],
  "fleet.waiting": ["Waiting for a daemon", "等待守护进程取走"], "fleet.none": ["Drives no robot.", "不控制机器人。"],
  "fleet.away": ["away", "离线"], "fleet.was": ["was: {word}", "当时：{word}"], "fleet.here": ["here", "本机"], "fleet.heard": ["last heard of {time} ago", "{time} 前有消息"],
  "fleet.queue": ["{count} waiting", "{count} 个等待"],
  "fleet.database": ["The database of the fleet is away since {clock}: {reason}. Robots go on.", "集群数据库自 {clock} 起不可用：{reason}。机器人继续工作。"],
  "fleet.old": ["What is shown here is old: {reason}", "此处显示的内容已过期：{reason}"],
  "fleet.take.why": ["{robot}: {daemon} drove it and is not heard of. Nothing keeps that machine away, so this one does not take over by itself.", "{robot}：原由 {daemon} 控制，现无消息。没有机制能隔离那台机器，因此本机不会自动接管。"],
  "fleet.take": ["Drive it from here", "由本机控制"], "fleet.take.ask": ["Is the machine of {daemon} off?", "{daemon} 的机器已断电？"],
  "fleet.take.text": ["Go and look. Two machines that drive {robot} are worse than none: pull the plug of the old one, or its line to the robot. Your name goes into the journal.", "请到现场确认。两台机器同时控制 {robot} 比无人控制更危险：请拔掉旧机器的电源或它到机器人的连线。您的姓名将记入日志。"],
  "fleet.take.yes": ["It is off", "已断电"], "fleet.take.over": ["it is driven again", "它已重新受控"],
  "fleet.stopped": ["Emergency stop", "急停"], "fleet.stop": ["by {actor} at {door}, {clock}", "{actor} 于 {door} 触发，{clock}"],
  "fleet.latched": ["latched by {names}", "已锁定：{names}"],
  "fleet.reset": ["Reset at every daemon", "在所有守护进程上复位"], "fleet.reset.ask": ["Reset this stop at every daemon?", "在所有守护进程上复位此急停？"],
  "fleet.reset.text": ["Make sure at each machine that it is safe. Nothing moves: the queues stay paused.", "请在每台机器旁确认安全。不会有任何动作：队列保持暂停。"],
};

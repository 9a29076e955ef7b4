"""What is broken, where, and which tests have to fail then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One line of the program that a promise rests on, and what takes its place."""

    name: str
    file: str
    """Below `robotq/`."""
    found: str
    """What stands there, once."""
    instead: str
    tests: str
    """What pytest gets."""


def _one(name: str, file: str, found: str, instead: str, tests: str) -> Sabotage:
    return Sabotage(name=name, file=file, found=found, instead=instead, tests=tests)


SABOTAGES = (
    # nothing accepted is lost
    _one(
        "commits are not synced",
        "store/sqlite/store.py",
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = OFF",
        "tests/store tests/crash/test_power_cut.py",
    ),
    _one(
        "a submit is answered whether it was written or not",
        "engine/intake/submitting.py",
        "            await self._commit.write(mutations, room, stands=said.stands)\n"
        "            crash_point(CrashPoint.ACCEPTED)",
        "            await self._commit.written(mutations)\n"
        "            crash_point(CrashPoint.ACCEPTED)",
        "tests/engine/unseen/test_outage.py tests/engine/queue/test_random.py",
    ),
    _one(
        "a result that meets a full disk is given up",
        "engine/queue/claims.py",
        "                        crash_point(CrashPoint.FINISHED)\n"
        "                        return claimed\n"
        "            await self._commit.disk.until_available()",
        "                        crash_point(CrashPoint.FINISHED)\n"
        "                        return claimed\n"
        "            return None",
        "tests/engine/unseen/test_outage.py",
    ),
    # no command runs twice
    _one(
        "a key that was used is not looked up",
        "engine/intake/idempotency.py",
        "            if known is not None:\n"
        "                return known\n"
        "            try:\n"
        "                accepted = await",
        "            try:\n                accepted = await",
        "tests/engine/holds/test_confirming.py",
    ),
    _one(
        "a key that was used is taken again by the disk",
        "store/sqlite/sql/added.sql",
        "INSERT INTO answers",
        "INSERT OR REPLACE INTO answers",
        "tests/store/test_apply.py tests/engine/test_idempotency.py",
    ),
    _one(
        "the same key at the same moment is accepted twice",
        "engine/intake/idempotency.py",
        "        while slot in self._under_way:\n"
        "            await self._other(slot)\n"
        "        self._under_way[slot] = None\n\n"
        "        def save",
        "        self._under_way[slot] = None\n\n        def save",
        "tests/engine/test_idempotency.py tests/engine/holds/test_confirming.py",
    ),
    _one(
        "a command with a key that was written already is refused where nothing more is taken",
        "engine/intake/idempotency.py",
        "                    # it was accepted before, which counts where nothing more is taken\n"
        "                    known = await self.known(request)\n",
        "                    known = None\n",
        "tests/engine/test_idempotency.py tests/engine/holds/test_confirming.py",
    ),
    _one(
        "a command with a key whose write has no answer yet is told as accepted",
        "engine/intake/idempotency.py",
        "                except NotAnswered:\n"
        "                    # what it has written itself, if it has, will be undone\n"
        "                    raise\n",
        "",
        "tests/engine/test_idempotency.py tests/engine/unseen/test_outage.py",
    ),
    _one(
        "a key with another content gets the old answer",
        "engine/intake/idempotency.py",
        "    if known.fingerprint != request.fingerprint:",
        "    if False:",
        "tests/engine/test_idempotency.py",
    ),
    _one(
        "the fence is not looked at",
        "model/transitions.py",
        "    if rule.fenced and fence != task.fence:",
        "    if False:",
        "tests/model tests/engine/queue/test_random.py",
    ),
    _one(
        "a command that was cut short runs again by itself",
        "engine/assembly/recovery.py",
        "        again = idempotent(task) and task.asked is None",
        "        again = task.asked is None",
        "tests/engine/unseen/test_recovery.py",
    ),
    _one(
        "a command that was called off runs again after a crash",
        "engine/assembly/recovery.py",
        "        again = idempotent(task) and task.asked is None",
        "        again = idempotent(task)",
        "tests/engine/unseen/test_recovery.py tests/engine/waiting/test_repeats.py",
    ),
    _one(
        "an exception of the driver counts as a certain end",
        "engine/robot/running/outcome.py",
        '        return unknown("driver_raised", f"{type(error).__name__}: {error}")',
        '        return failed("driver_raised", {"reason": str(error)})',
        "tests/engine/queue/test_endings.py",
    ),
    _one(
        "a lost link counts as a certain end",
        "engine/robot/running/outcome.py",
        "        return unknown(error.cause, error.reason)",
        '        return failed("device_error", {"reason": error.reason})',
        "tests/engine/queue/test_endings.py tests/engine/robot/test_link.py",
    ),
    # stop always works
    _one(
        "the emergency stop waits behind the command",
        "engine/robot/driver_threads.py",
        "        return self._emergency.call(self.driver.emergency_stop)\n\n    async def reset",
        "        return self._on_command_thread(self.driver.emergency_stop)\n\n    async def reset",
        "tests/engine/robot/test_host.py tests/engine/robot/test_estop.py",
    ),
    _one(
        "a stop waits behind the command",
        "engine/robot/driver_threads.py",
        "        await self._stopping.call(stop if through is None else partial(through, stop))",
        "        await self._on_command_thread(stop)",
        "tests/engine/robot/test_host.py tests/engine/robot/test_stop.py "
        "tests/engine/queue/test_cancel.py",
    ),
    _one(
        "the latch is not looked at when the driver begins",
        "engine/robot/driver_threads.py",
        "            if not begun and (self._no_motion.is_set() or self._stop_requested):",
        "            if False:",
        "tests/engine/robot/test_host.py tests/engine/robot/test_estop.py",
    ),
    _one(
        "holds are not looked at after the claim",
        "engine/robot/executor.py",
        "            self._deps.holds.held(self._robot)\n"
        "            or self._wishes.called_off(task.id)",
        "            self._wishes.called_off(task.id)",
        "tests/engine/robot/test_stop.py tests/engine/robot/test_estop.py "
        "tests/engine/holds/test_holds.py "
        "tests/engine/unseen/test_outage.py",
    ),
    _one(
        "a cancel between claim and start is forgotten",
        "engine/robot/executor.py",
        "            or self._wishes.called_off(task.id)\n",
        "",
        "tests/engine/queue/test_cancel.py",
    ),
    _one(
        "a reset lets the queue go on",
        "engine/robot/estop.py",
        "                self._holds.set(\n"
        "                    hold.robot, HoldCode.PAUSED, actor=actor, "
        'reason="reason.estop_reset"\n'
        "                )\n",
        "",
        "tests/engine/robot/test_estop.py",
    ),
    _one(
        "the latch has no file of its own",
        "engine/robot/estop.py",
        "        kept = self._file.keep(self._stops())\n",
        "        kept = self._file.keep(())\n",
        "tests/engine/robot/test_stop_file.py",
    ),
    _one(
        "a file that keeps the latch and cannot be read lets robots go",
        "engine/robot/stop_file.py",
        "            return dict.fromkeys(robots, _UNREADABLE)",
        "            return {}",
        "tests/engine/robot/test_stop_file.py",
    ),
    _one(
        "a hold that is set again keeps its name",
        "engine/holds/board.py",
        "            hold = set_over(known, hold)",
        "            hold = replace(set_over(known, hold), id=known.id)",
        "tests/engine/holds/test_holds.py tests/engine/holds/test_confirming.py "
        "tests/engine/holds/test_hold_writer.py",
    ),
    _one(
        "a pause over a pause takes its place",
        "model/hold.py",
        "    earlier = others if known.by_robot and latest.by_robot else [before, *others]",
        "    earlier = others",
        "tests/engine/holds/test_holds.py",
    ),
    _one(
        "the lift of an older hold lifts the newer one",
        "engine/holds/board.py",
        "        if self.in_force(hold):\n            del",
        "        if self.get(hold.robot, hold.code):\n            del",
        "tests/engine/holds/test_holds.py tests/engine/holds/test_hold_writer.py "
        "tests/engine/robot/test_estop.py",
    ),
    _one(
        "a confirmation that names nothing lifts whatever is there",
        "engine/holds/confirming.py",
        '                raise RobotqError("not_named", found=found)',
        "                pass",
        "tests/engine/holds/test_confirming.py",
    ),
    _one(
        "a confirmation of something older is taken",
        "engine/holds/confirming.py",
        '            raise RobotqError("not_what_was_meant", found=found)',
        "            pass",
        "tests/engine/holds/test_confirming.py",
    ),
    _one(
        "Marlin gets one M410",
        "drivers/marlin/stopping.py",
        "        finally:\n            self.stop_again(lines)\n",
        "        finally:\n            pass\n",
        "tests/drivers/marlin/test_stops.py",
    ),
    _one(
        "answers to lines that are forgotten do not count for a stop of Marlin",
        "drivers/marlin/stopping.py",
        "                channel.condition.answers >= answers\n",
        "                channel.answered >= answers\n",
        "tests/drivers/marlin/test_stop_again.py",
    ),
    _one(
        "a stop that cuts a line of Marlin off is not heard",
        "drivers/marlin/talk/lines.py",
        '_ENDS_OTHER = b"\\n\\n"\n',
        '_ENDS_OTHER = b"\\n"\n',
        "tests/drivers/marlin/test_stop_again.py",
    ),
    _one(
        "Grbl gets the axes of G28 with G80 in effect",
        "drivers/gcode/reader/judge.py",
        "                    return _with_a_motion_code(line)\n",
        "                    return (line,)\n",
        "tests/drivers/gcode/runs/test_tolerant.py",
    ),
    _one(
        "a stop does not wake the command that reads the answers to its lines by itself",
        "drivers/gcode/channel.py",
        "        self.transport.wake()\n",
        "",
        "tests/drivers/transport/test_reading_here.py",
    ),
    _one(
        "nobody reads while the command that reads by itself is about something else",
        "drivers/transport/whose_turn.py",
        "self._held(self.reading.acquire(blocking=not given))",
        "self._held(not given and self.reading.acquire())",
        "tests/drivers/transport/test_reading_here.py",
    ),
    _one(
        "the end of a stop is told before Marlin stands",
        "drivers/marlin/stopping.py",
        "_RUN_ON_S = 1.5\n",
        "_RUN_ON_S = 0.0\n",
        "tests/drivers/marlin/test_stops.py",
    ),
    _one(
        "a position that was lost is told as known",
        "drivers/marlin/stopping.py",
        '            channel.position.forget("a motion was broken off")\n',
        "",
        "tests/drivers/marlin/test_stops.py tests/drivers/gcode/links/test_position.py",
    ),
    _one(
        "a stop is sent again among the lines that switch off",
        "drivers/gcode/robot.py",
        "                    if isinstance(error, Stopped):\n                        at_rest()\n",
        "",
        "tests/drivers/gcode/stops/test_finally.py "
        "tests/drivers/gcode/stops/test_finally_over_http.py",
    ),
    _one(
        "robots begin before anybody who wants to stop them is heard",
        "daemon/assembly.py",
        "running_engine(config, load, end=end, begin=False)",
        "running_engine(config, load, end=end, begin=True)",
        "tests/cli/test_stop_while_starting.py",
    ),
    # what is beside a robot
    _one(
        "the steps of `finally` are left out where a command has failed",
        "drivers/steps/run.py",
        "        if not self._program.last or not self._begun or error.last is not None:\n",
        "        if True:\n",
        "tests/drivers/gcode/stops/test_finally.py",
    ),
    _one(
        "the steps of `finally` are left out where a command has completed",
        "drivers/steps/run.py",
        "        if self._program.last:\n            try:",
        "        if False:\n            try:",
        "tests/drivers/gcode/stops/test_finally.py",
    ),
    _one(
        "a device that was stopped stays as it was",
        "drivers/line/driver.py",
        "        if run.acted:\n            self._safe.reach()\n",
        "        pass\n",
        "tests/drivers/line/test_commands.py",
    ),
    _one(
        "a device does not get its safe state at a stop",
        "drivers/line/safe_state.py",
        "            self._talk.now(self.lines())\n        except LinkLost as error:",
        "            pass\n        except LinkLost as error:",
        "tests/drivers/line tests/drivers/devices/test_driver.py",
    ),
    _one(
        "a device begins behind a stop",
        "drivers/line/driver.py",
        "        if self._latched or self.called_off():\n",
        "        if self._latched:\n",
        "tests/drivers/devices/test_driver.py tests/drivers/line/test_commands.py",
    ),
    _one(
        "an answer of a device that is late is that of the next question",
        "drivers/line/talk.py",
        "        behind = self.link.unread or self._out_of_step or "
        "self.link.stops != self._stops_read\n",
        "        behind = False\n",
        "tests/drivers/line/test_late_answers.py",
    ),
    # a program moves as it says
    _one(
        "a program is judged only when it is its turn",
        "engine/intake/submitting.py",
        "        if self._judging.there and self._judging.has_to(orders):\n",
        "        if False:\n",
        "tests/drivers/gcode/runs/test_handed_in.py",
    ),
    _one(
        "a tab is sent to Marlin, which leaves the number behind it unread",
        "drivers/gcode/reader/judge.py",
        '.replace("\\t", " ")',
        "",
        "tests/drivers/marlin/test_one_code.py",
    ),
    _one(
        "axis words are sent with a code of Marlin that does not read them",
        "drivers/gcode/reader/one_code.py",
        "        if lost:\n",
        "        if lost and not rules.one_code:\n",
        "tests/drivers/marlin/test_one_code.py",
    ),
    _one(
        "numbers of more digits than Grbl reads are sent as they are",
        "drivers/gcode/reader/words.py",
        "    if any(len(value) > rules.digits for",
        "    if rules.one_code and any(len(value) > rules.digits for",
        "tests/drivers/gcode/test_reading.py",
    ),
    _one(
        "what a firmware does not know is found out by its answer",
        "drivers/gcode/reader/permits.py",
        "    if known is None:\n        raise Refused(",
        "    if known is None:\n        return\n        raise Refused(",
        "tests/drivers/gcode/runs/test_cam.py",
    ),
    _one(
        "arcs that Grbl refuses are sent",
        "drivers/gcode/reader/arcs.py",
        "    if off > _MOST_MM or",
        "    if off > 1000 * _MOST_MM or",
        "tests/drivers/gcode/runs/test_arcs.py",
    ),
    # the queue does what it says
    _one(
        "what somebody wanted of a command is kept in memory alone",
        "engine/robot/settling/wishes.py",
        "        self._intending = asyncio.create_task("
        'self._intend(task, asked), name=f"intend {task.id}")\n',
        "",
        "tests/engine/waiting/test_repeats.py tests/engine/unseen/test_recovery.py "
        "tests/engine/queue/test_cancel.py",
    ),
    _one(
        "the rest of a batch runs after a failure",
        "engine/queue/claims.py",
        "        if not failed.contiguous or failed.batch_id is None "
        "or failed.state is TaskState.COMPLETED:",
        "        if True:",
        "tests/engine/queue/test_batches.py",
    ),
    _one(
        "a place is given to two robots",
        "engine/queue/turns.py",
        "        return next((one for one in candidates "
        "if self._waits.free(one, now_ms, occupied)), None)",
        "        return next(iter(candidates), None)",
        "tests/engine/waiting/test_resources.py",
    ),
    _one(
        "a held queue starts things",
        "engine/queue/turns.py",
        "        return not self.closed and not self._holds.held(robot_queue.name)",
        "        return not self.closed",
        "tests/engine/holds/test_holds.py tests/engine/queue/test_order.py",
    ),
    _one(
        "a failure does not hold where the site wants it",
        "engine/robot/executor.py",
        '        if policy == "hold" and',
        "        if False and",
        "tests/engine/queue/test_endings.py tests/engine/holds/test_holds.py",
    ),
    # nobody in by accident
    _one(
        "a key file without a key lets everybody in",
        "api/access/guard.py",
        "        return self._keys.required or self._config.require_key",
        "        return bool(self._keys.read()) or self._config.require_key",
        "tests/api/access/test_guard.py",
    ),
    _one(
        "a page of another site is not asked where it comes from",
        "api/access/guard.py",
        "            if origin is not None:\n                self._check_origin(origin, host)\n",
        "",
        "tests/api/access/test_guard.py",
    ),
    _one(
        "an agent decides what a person has to",
        "api/http/call.py",
        '            raise RobotqError("person_needed", action=action)',
        "            return",
        "tests/api/commands/test_approvals.py tests/api/access/test_every_caller.py",
    ),
    # a wrong result is worse than none
    _one(
        "what is no read counts as a code",
        "drivers/scanner/codes.py",
        "def _says_no_read(data: bytes, options: CodeOptions) -> bool:\n",
        "def _says_no_read(data: bytes, options: CodeOptions) -> bool:\n    return False\n",
        "tests/drivers/scanner/test_codes.py",
    ),
    _one(
        "the second half of a code counts as a code",
        "drivers/scanner/hearing.py",
        "        self._nobody_until = now + self._options.late_s\n",
        "        self._nobody_until = now\n",
        "tests/drivers/scanner/test_streams.py",
    ),
    _one(
        "a read goes on where the link broke",
        "drivers/scanner/hearing.py",
        "            self._now.over = self._now.broken = True\n            self._now = None\n",
        "            pass\n",
        "tests/drivers/scanner/test_streams.py",
    ),
    _one(
        "a key that stays down is nothing",
        "drivers/scanner/hid/keys.py",
        "        if stuck:\n",
        "        if False:\n",
        "tests/drivers/scanner/test_hid.py",
    ),
    _one(
        "a contiguous batch lets others in between",
        "engine/state/robot_queue.py",
        "            if self._open_batch is not None and task.batch_id != self._open_batch:\n"
        "                return\n",
        "",
        "tests/engine/queue/test_batches.py",
    ),
)

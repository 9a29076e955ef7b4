"""Routes of robots and of the emergency stop."""

from __future__ import annotations

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import Route
from robotq.api.robot.handlers import estop, resources, robots
from robotq.api.robot.models.base import EmptyBody, NamingBody
from robotq.api.robot.models.robots import ReleasePlaceBody, ResumeMotionBody, StopBody, StopQuery
from robotq.api.robot.routes.common import NAMED, ROBOT, STORE
from robotq.wire import robots as wire

ROUTES = (
    Route(
        method="GET",
        path="/robots",
        handler=robots.list_robots,
        scope=Scope.READ,
        summary="All robots.",
        response=wire.Robots,
    ),
    Route(
        method="GET",
        path="/robots/{robot_id}",
        handler=robots.get_robot,
        scope=Scope.READ,
        summary="One robot: its link, its position, its queue.",
        response=wire.Robot,
        errors=("bad_parameter",),
    ),
    Route(
        method="POST",
        path="/robots/{robot_id}/hold",
        handler=robots.hold,
        scope=Scope.CONTROL,
        summary="Pause the robot in its motion; the command waits.",
        request=EmptyBody,
        response=wire.RobotDone,
        errors=ROBOT,
    ),
    Route(
        method="POST",
        path="/robots/{robot_id}/resume",
        handler=robots.resume,
        scope=Scope.CONTROL,
        summary="Let a held motion go on.",
        request=ResumeMotionBody,
        response=wire.RobotDone,
        errors=("wrong_state", "motion_still_held", *NAMED, *ROBOT, *STORE),
    ),
    Route(
        method="POST",
        path="/robots/{robot_id}/stop",
        handler=robots.stop,
        scope=Scope.ANY,
        summary="Stop the robot in a controlled way, cancel what runs, pause its queue.",
        query=StopQuery,
        request=StopBody,
        forgiving=True,
        response=wire.RobotStopped,
        errors=(*ROBOT, *STORE),
    ),
    Route(
        method="POST",
        path="/robots/{robot_id}/reset",
        handler=estop.reset_robot,
        scope=Scope.CONTROL,
        summary="Leave the emergency stop at one robot; its queue stays paused.",
        request=NamingBody,
        response=wire.EStopResetDone,
        errors=("wrong_state", *NAMED, *ROBOT, *STORE),
    ),
    Route(
        method="GET",
        path="/resources",
        handler=resources.list_resources,
        scope=Scope.READ,
        summary="Which robot holds which place, and since when.",
        response=wire.Resources,
    ),
    Route(
        method="POST",
        path="/resources/{resource}/release",
        handler=resources.release,
        scope=Scope.CONTROL,
        summary="Take a place from a robot that is not there.",
        request=ReleasePlaceBody,
        response=wire.Released,
        errors=("resource_not_held", "resource_in_use", "bad_parameter", *STORE),
    ),
    Route(
        method="GET",
        path="/estop",
        handler=estop.state,
        scope=Scope.READ,
        summary="Whether the emergency stop is latched.",
        response=wire.EStopState,
    ),
    Route(
        method="POST",
        path="/estop",
        handler=estop.trigger,
        scope=Scope.ANY,
        summary="Emergency stop of all robots. Latched. Not a safety-rated stop.",
        query=StopQuery,
        request=StopBody,
        forgiving=True,
        response=wire.EStopDone,
        errors=("device_error",),
    ),
    Route(
        method="POST",
        path="/estop/reset",
        handler=estop.reset,
        scope=Scope.CONTROL,
        summary="Leave the emergency stop; the queues stay paused until they are resumed.",
        request=NamingBody,
        response=wire.EStopResetDone,
        errors=("wrong_state", *NAMED, "robot_busy", "device_error", *STORE),
    ),
)

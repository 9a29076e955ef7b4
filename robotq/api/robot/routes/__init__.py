"""Every route of the robot interface."""

from __future__ import annotations

from robotq.api.openapi.page import DOCS
from robotq.api.robot.routes import events, queue, robots, service, submit, tasks, workers

ROUTES = (
    *submit.ROUTES,
    *tasks.ROUTES,
    *queue.ROUTES,
    *robots.ROUTES,
    *events.ROUTES,
    *workers.ROUTES,
    *service.ROUTES,
    *DOCS,
)

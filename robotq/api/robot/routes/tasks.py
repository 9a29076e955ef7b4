"""Routes of one task and of lists of them."""

from __future__ import annotations

from robotq.api.robot import edits, tasks
from robotq.api.robot.models.queue import MovedTask, PriorityBody
from robotq.api.robot.models.tasks import (
    AnswerBody,
    ApproveBody,
    CancelBody,
    ResolveBody,
    Task,
    TaskDone,
    TaskQueryParameters,
    Tasks,
    TasksQuery,
)
from robotq.api.robot.routes.common import AGENT, IF_MATCH, STORE, TASK
from robotq.api.routes import Route
from robotq.api.scopes import Scope

ROUTES = (
    Route(
        method="GET",
        path="/task/{task_id}",
        handler=tasks.get_task,
        scope=Scope.READ,
        summary="A task; `wait` waits for its end.",
        query=TaskQueryParameters,
        response=Task,
        errors=("bad_parameter", "too_many_requests", *TASK),
    ),
    Route(
        method="POST",
        path="/task/{task_id}/cancel",
        handler=tasks.cancel,
        scope=Scope.SUBMIT,
        summary="Call a task off; a running one is stopped.",
        request=CancelBody,
        response=TaskDone,
        errors=("wrong_state", *TASK),
    ),
    Route(
        method="POST",
        path="/task/{task_id}/approve",
        handler=tasks.approve,
        scope=Scope.CONTROL,
        summary="Let a task run that an agent submitted and that waits for a person's approval.",
        request=ApproveBody,
        response=TaskDone,
        errors=("wrong_state", "person_needed", *TASK),
    ),
    Route(
        method="POST",
        path="/task/{task_id}/reject",
        handler=tasks.reject,
        scope=Scope.CONTROL,
        summary="End a task that waits for a person's approval; it never runs.",
        request=CancelBody,
        response=TaskDone,
        errors=("wrong_state", "person_needed", *TASK),
    ),
    Route(
        method="POST",
        path="/task/{task_id}/resolve",
        handler=tasks.resolve,
        scope=Scope.CONTROL,
        summary="Say how a task with unknown outcome ended, and lift its hold.",
        request=ResolveBody,
        response=TaskDone,
        errors=(
            "wrong_state",
            "person_needed",
            "unknown_command",
            "queue_full",
            "queue_bytes_full",
            "shutting_down",
            *TASK,
        ),
    ),
    Route(
        method="POST",
        path="/task/{task_id}/input",
        handler=tasks.answer,
        scope=Scope.SUBMIT,
        summary="Answer the question of a running command; the body is the answer.",
        request=AnswerBody,
        response=TaskDone,
        errors=("no_question", *TASK),
    ),
    Route(
        method="POST",
        path="/task/{task_id}/retry",
        handler=tasks.retry,
        scope=Scope.SUBMIT,
        summary="Run an ended command again, as a new task at the head of its queue.",
        headers=(AGENT,),
        response=TaskDone,
        errors=(
            "wrong_state",
            "unknown_command",
            "queue_full",
            "queue_bytes_full",
            "shutting_down",
            *TASK,
        ),
    ),
    Route(
        method="POST",
        path="/task/{task_id}/priority",
        handler=edits.set_priority,
        scope=Scope.CONTROL,
        summary="Give a waiting task another priority.",
        headers=(IF_MATCH,),
        request=PriorityBody,
        response=MovedTask,
        errors=("wrong_state", "precondition_failed", *TASK),
    ),
    Route(
        method="GET",
        path="/tasks",
        handler=tasks.list_tasks,
        scope=Scope.READ,
        summary="Tasks of all interfaces, newest first, in pages.",
        query=TasksQuery,
        response=Tasks,
        errors=("bad_parameter", *STORE),
    ),
)

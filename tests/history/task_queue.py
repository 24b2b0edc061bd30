"""A queue for Django's tasks: keeps them as JSON until the test is the worker."""

from __future__ import annotations

import json
from typing import ClassVar
from uuid import uuid4

from asgiref.local import Local
from django import VERSION
from django.utils.module_loading import import_string

if VERSION >= (6, 0):
    from django.tasks import TaskResult, TaskResultStatus, task_backends
    from django.tasks.backends.base import BaseTaskBackend
else:
    from django_tasks import TaskResult, TaskResultStatus, task_backends
    from django_tasks.backends.base import BaseTaskBackend

QUEUE = {"default": {"BACKEND": "tests.history.task_queue.Queue"}}
BROKEN_QUEUE = {"default": {"BACKEND": "tests.history.task_queue.BrokenQueue"}}


class Queue(BaseTaskBackend):
    """Keeps what a worker in another process would read."""

    waiting: ClassVar[list[str]] = []

    def enqueue(self, task, args, kwargs):
        self.validate_task(task)
        self.waiting.append(json.dumps([task.module_path, args, kwargs]))
        return TaskResult(
            task=task,
            id=uuid4().hex,
            status=TaskResultStatus.READY,
            enqueued_at=None,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=list(args),
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )


class BrokenQueue(Queue):
    """Takes nothing."""

    def enqueue(self, task, args, kwargs):
        raise ConnectionError("the queue is away")


def work():
    """Do what waits, as a worker does."""
    while Queue.waiting:
        path, args, kwargs = json.loads(Queue.waiting.pop(0))
        import_string(path).call(*args, **kwargs)


def read_settings_anew():
    """Have the framework see another value of `TASKS`."""
    task_backends._settings = task_backends.settings = task_backends.configure_settings(None)
    task_backends._connections = Local()

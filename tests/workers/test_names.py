"""Programs that were written for the names of before go on working."""

from __future__ import annotations

from robotq import worker_client, worker_socket
from robotq.client import worker


def test_old_names__are_the_new_ones() -> None:
    assert worker_client.Worker is worker.Worker
    assert worker_socket.SocketWorker is worker.SocketWorker
    assert worker_client.Job is worker.Job is worker_socket.Job
    assert worker_client.JobFailed is worker.JobFailed

"""A daemon for every story, from the plugin that users have too, and a network that breaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from robotq.testing.daemon import Daemon

from .proxy import Proxy, breaking_network

GO_HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
GO_AWAY = {"cmd_type": "NAVIGATION", "params": {"area": "SPLIT_TABLE"}}
BY_HAND = {"cmd_type": "MANUAL_STEP", "params": {"title": "Open the door"}}
PICK_UP_NOTHING = {
    "cmd_type": "PICK_UP",
    "params": {"target_params": [{"bottle_id": "bottle_of_another_lab"}]},
}


@pytest.fixture
def network(robotq_daemon: Daemon) -> Iterator[Proxy]:
    with breaking_network(robotq_daemon.port) as proxy:
        yield proxy

"""What the routes share: the loaded release, the worker, metrics, feedback and recent answers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from groundup.apps.config import AppsConfig
from groundup.apps.feedback import FeedbackStore
from groundup.apps.metrics import Metrics
from groundup.apps.service import Service
from groundup.apps.worker import Worker


@dataclass(frozen=True)
class Given:
    """An answer that was given, kept so that feedback on it can be trusted."""

    release: str
    question: str
    answer: str
    citations: tuple[dict[str, Any], ...]


class RecentAnswers:
    """The last answers by id; older ones are forgotten."""

    def __init__(self, size: int = 5000) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Given] = OrderedDict()

    def put(self, answer_id: str, given: Given) -> None:
        """Remember one answer."""
        with self._lock:
            self._answers[answer_id] = given
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)

    def get(self, answer_id: str) -> Given | None:
        """Return an answer that is still remembered."""
        with self._lock:
            return self._answers.get(answer_id)


@dataclass(frozen=True)
class State:
    """Shared by all routes of one application."""

    current: Callable[[], Service]
    config: AppsConfig
    worker: Worker
    metrics: Metrics
    feedback: FeedbackStore
    recent: RecentAnswers = field(default_factory=RecentAnswers)

    @property
    def service(self) -> Service:
        """The release that is served now; take it once per request, it may be swapped."""
        return self.current()


def state_of(request: Request) -> State:
    """Return the state of the application that got this request."""
    state = request.app.state.groundup
    assert isinstance(state, State)
    return state

"""`serve`: load the release, find a port, serve until told to stop."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from groundup.apps.config import AppsConfig
from groundup.apps.current import Current
from groundup.apps.load import load_service
from groundup.apps.metrics import Metrics
from groundup.apps.server import create_app
from groundup.facts.errors import ServeError
from groundup.frameworks.config import FrameworksConfig

PORTS_TRIED = 50
STOPS = (signal.SIGINT, signal.SIGTERM)
SECONDS_TO_FINISH = 5  # for answers that are on their way when the server is told to stop


def serve(
    release_dir: Path,
    config: AppsConfig,
    ready: Callable[[str], None],
    *,
    state_dir: Path | None = None,
    fixed_port: bool = False,
    frameworks: FrameworksConfig | None = None,
    energy: str = "auto",
) -> None:
    """Serve a release until SIGINT or SIGTERM; call `ready(address)` when it answers.

    `release_dir` holds release.json, or current.json that points to a release and is followed
    when it changes. Feedback goes to `state_dir` (default `release_dir/state`). With `fixed_port`
    a busy port is an error; else the next free one is taken. `frameworks` and `energy` are the
    stack's, for the device and the meter. Raises ServeError, ArtifactError,
    GateError.
    """
    # asyncio warns at each write to a client that has left, which people do all the time
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    listener = listen(config.host, config.port, fixed_port)
    try:
        metrics = Metrics()
        load = partial(load_service, frameworks=frameworks, energy=energy)
        current = Current(release_dir, load, metrics)
        state = state_dir or release_dir / "state"
        app = create_app(current.service, config, state, current.check, metrics)
        server = Server(app, lambda: ready(address(config.host, listener)))
        with _quiet_signals():
            server.run(sockets=[listener])
    finally:
        listener.close()


class Server(uvicorn.Server):
    """Uvicorn that says when it is up."""

    def __init__(self, app: object, ready: Callable[[], None]) -> None:
        settings = uvicorn.Config(
            app,  # type: ignore[arg-type]
            log_level=logging.WARNING,
            access_log=False,  # questions are private, and /metrics counts requests
            server_header=False,
            timeout_graceful_shutdown=SECONDS_TO_FINISH,
        )
        super().__init__(settings)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept, then tell."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def listen(host: str, port: int, fixed: bool) -> socket.socket:
    """Return a listening socket on `port`, or on the next free one unless it is fixed."""
    last = port if fixed or port == 0 else min(port + PORTS_TRIED, 65535)
    for number in range(port, last + 1):
        try:
            return _bind(host, number)
        except OSError as error:
            busy = error
            if not isinstance(error, socket.gaierror) and number < last:
                continue
    ports = f"port {port}" if last == port else f"ports {port} to {last}"
    raise ServeError(
        f"cannot listen on {host}, {ports}: {busy.strerror}. "
        "Stop what listens there, or set [apps] host and port."
    ) from busy


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        # lets a restart take its port back at once; two listeners stay impossible
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(where)
        bound.listen(socket.SOMAXCONN)
    except OSError:
        bound.close()
        raise
    return bound


def address(host: str, listener: socket.socket) -> str:
    """Return the address a person can open."""
    name = {"0.0.0.0": "127.0.0.1", "::": "localhost"}.get(host, host)
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{listener.getsockname()[1]}"


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """Make SIGTERM and Ctrl-C end `run` normally: uvicorn raises them again after its shutdown."""

    def ignore(number: int, frame: FrameType | None) -> None:
        """The server has ended already."""

    try:
        before = {
            number: signal.signal(number, ignore) for number in (signal.SIGINT, signal.SIGTERM)
        }
    except ValueError:  # not the main thread: whoever started the thread stops the server
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

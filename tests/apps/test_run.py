"""`serve`: ports, the ready call, and a clean end on a signal."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from groundup.apps.config import AppsConfig
from groundup.apps.run import address, listen, serve
from groundup.facts.errors import ArtifactError, ConfigError, ServeError


def test_a_busy_port_gives_the_next_or_an_error() -> None:
    with listen("127.0.0.1", 0, False) as first:
        port = first.getsockname()[1]
        with listen("127.0.0.1", port, False) as second:
            assert port < second.getsockname()[1] <= port + 50
        with pytest.raises(ServeError, match=f"port {port}"):
            listen("127.0.0.1", port, True)


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(ServeError, match="cannot listen"):
        listen("203.0.113.7", 8765, False)
    with pytest.raises(ServeError, match="cannot listen"):
        listen("no such host", 8765, False)


def test_addresses_can_be_opened() -> None:
    with listen("127.0.0.1", 0, False) as bound:
        port = bound.getsockname()[1]
        assert address("127.0.0.1", bound) == f"http://127.0.0.1:{port}"
        assert address("0.0.0.0", bound) == f"http://127.0.0.1:{port}"
        assert address("::1", bound) == f"http://[::1]:{port}"


def test_config_is_checked() -> None:
    with pytest.raises(ConfigError, match="port"):
        AppsConfig(port=70_000)
    with pytest.raises(ConfigError, match="waiting_limit"):
        AppsConfig(waiting_limit=0)


def test_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="groundup run"):
        serve(tmp_path, AppsConfig(port=0), print)


SCRIPT = """
import sys
from pathlib import Path
from groundup.apps.config import AppsConfig
from groundup.apps.run import serve
serve(Path(sys.argv[1]), AppsConfig(port=0), lambda url: print(url, flush=True),
      state_dir=Path(sys.argv[2]))
print("clean end")
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(release_dir: Path, tmp_path: Path, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(release_dir), str(tmp_path / "state")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
    with pytest.raises(OSError, match="refused"), socket.socket() as elsewhere:
        elsewhere.connect(("127.0.0.2", int(url.rpartition(":")[2])))  # only where it was told
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "clean end\n", "")
    assert (tmp_path / "state" / "feedback.sqlite").is_file()

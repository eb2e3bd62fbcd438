"""A Ray cluster on one machine: a head that runs no trials, and nodes that come and go, each a process group."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RAY = Path(sys.executable).with_name("ray")
START_SECONDS = 60.0
MOST_FAILED_STARTS = 20
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Of this run alone, whatever token the account has.
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    # The search and the nodes share a few cores, and a worker that yields to everybody would not get on.
    "RAY_worker_niceness": "0",
    # As in a cluster of one's own, whose machines do not take half a minute to be missed.
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}


class Cluster:
    """Start with `start`, grow with `add_node`; every kill is SIGKILL, to the process itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._head: subprocess.Popen[bytes] | None = None
        self._nodes: list[subprocess.Popen[bytes]] = []
        self._temporary = tempfile.mkdtemp(prefix="r", dir="/tmp")  # Ray's sockets have short paths only
        self.address = ""
        self.client_port = self.dashboard_port = 0
        self._starts_left = MOST_FAILED_STARTS

    def start(self, dashboard: bool = False) -> None:
        """A head without CPUs, at new ports of loopback; with a dashboard, which `ray job submit` needs."""
        port, self.client_port, self.dashboard_port = _free_port(), _free_port(), _free_port()
        self.address = f"127.0.0.1:{port}"
        ports = [f"--port={port}", f"--ray-client-server-port={self.client_port}"]
        ports += [f"--dashboard-port={self.dashboard_port}", f"--include-dashboard={str(dashboard).lower()}"]
        self._head = self._ray("start", "--head", *ports, "--num-cpus=0")
        _wait_until_listens(port, self._head)

    def add_node(self, cpus: int = 1, gpus: int = 0) -> None:
        """One more machine, with as many GPUs as Ray is told."""
        size = [f"--num-cpus={cpus}", f"--num-gpus={gpus}"]
        self._nodes.append(self._ray("start", f"--address={self.address}", *size))

    @property
    def num_nodes(self) -> int:
        return len(self._nodes)

    def kill_worker(self, rng: random.Random) -> bool:
        """A process that runs trials, if there is one."""
        workers = [pid for node in self._nodes for pid in _descendants(node.pid) if _runs_trials(pid)]
        return bool(workers) and _kill(rng.choice(workers))

    def kill_node(self, rng: random.Random) -> bool:
        """A raylet with all its workers, as when a machine is taken away."""
        if not self._nodes:
            return False
        node = self._nodes.pop(rng.randrange(len(self._nodes)))
        kill_tree(node)
        return True

    def kill(self) -> None:
        """Everything at once."""
        for process in (*self._nodes, *([self._head] if self._head else [])):
            kill_tree(process)
        self._nodes, self._head = [], None

    def remove(self) -> None:
        """Kill it, and delete what Ray wrote."""
        self.kill()
        shutil.rmtree(self._temporary)

    def tend(self) -> None:
        """Start those nodes again that could not start: on a busy machine Ray gives up on one after 30 s."""
        failed = [node for node in self._nodes if node.poll() is not None]
        self._nodes = [node for node in self._nodes if node.poll() is None]
        self._starts_left -= len(failed)
        if self._starts_left < 0:
            raise RuntimeError("Ray's nodes do not start; see ray.log")
        for _ in failed:
            self.add_node()

    def _ray(self, *arguments: str) -> subprocess.Popen[bytes]:
        # --block: the process lives as long as the node, whose processes are its descendants.
        command = [str(RAY), *arguments, "--block", "--disable-usage-stats", "--node-ip-address=127.0.0.1"]
        # Ray's own choice of the agent's port is the same for all nodes; only that which has it takes jobs.
        command += ["--object-store-memory=100000000", f"--dashboard-agent-listen-port={_free_port()}"]
        if arguments[1] == "--head":
            command += [f"--temp-dir={self._temporary}"]
        with open(self._folder / "ray.log", "ab") as log:
            return subprocess.Popen(command, env=os.environ | SETTINGS, stdout=log, stderr=log, start_new_session=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_until_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Ray's head did not start; see ray.log (exit code {process.poll()})") from None
            time.sleep(0.2)


def _descendants(root: int) -> list[int]:
    """Every living process below that one, itself included, by /proc."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(folder.name)] = int(fields[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return [pid for pid in found if pid in parents]


def _runs_trials(pid: int) -> bool:
    try:
        title = (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
    return title.startswith(b"ray::") and b"IDLE" not in title and b"Agent" not in title


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process and everything below it."""
    for pid in _descendants(process.pid):
        _kill(pid)
    process.wait()

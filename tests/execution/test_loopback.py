"""Nothing that a search on this machine starts can be reached from another one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
LISTEN = "0A"


def listening(root: int) -> dict[str, str]:
    """The local address, in hexadecimal, of each socket on which the process or one below it listens, with its name."""
    addresses = {}
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN:
                addresses[fields[9]] = fields[1].partition(":")[0]
    found = {}
    for pid in tree(root):
        try:
            name = (Path("/proc") / str(pid) / "comm").read_text().strip()
            links = [os.readlink(descriptor) for descriptor in (Path("/proc") / str(pid) / "fd").iterdir()]
        except OSError:
            continue
        for link in links:
            number = link.removeprefix("socket:[").removesuffix("]")
            if number in addresses:
                found[f"{name} {link}"] = addresses[number]
    return found


def tree(root: int) -> set[int]:
    """The process and all below it. Ray's belong to the group of the search that started them."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == root:  # the session
            found.add(int(folder.name))
    return found


@pytest.mark.slow
def test_ray_on_this_machine_listens_on_loopback_alone(tmp_path: Path) -> None:
    if not Path("/proc/net/tcp").exists():
        pytest.skip("finds sockets in /proc")
    (tmp_path / "patient.py").write_text(
        "import time\n"
        "from tune_stability.training.analytic import run_trial as analytic\n"
        "def run_trial(config):\n    time.sleep(60)\n    return analytic(config)\n"
    )
    what = ["--trainable", "patient:run_trial", "--model", "analytic/x", "--task", "none", "--num-configs", "1"]
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    search = subprocess.Popen(
        [sys.executable, "-m", "tune_stability.search", *what, "--out", str(tmp_path / "study")],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 100
        # Until Ray's own processes and a worker are there.
        found: dict[str, str] = {}
        while {"gcs_server", "raylet", "ray::ResourceTr"} - {name.partition(" ")[0] for name in found}:
            assert search.poll() is None
            assert time.monotonic() < end, found
            time.sleep(0.5)
            found = listening(search.pid)
        assert {name: address for name, address in found.items() if address not in LOOPBACK} == {}
    finally:
        os.killpg(search.pid, 9)
        for pid in tree(search.pid):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        search.wait()

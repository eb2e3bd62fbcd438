"""Ray on this machine, or the cluster at an address."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants
from ray._raylet import Config  # type: ignore[attr-defined]  # compiled, and without types

from tune_stability.errors import UserError
from tune_stability.execution.executor import Resources
from tune_stability.execution.ray_head import head_watched
from tune_stability.execution.ray_package import code_to_send

CLIENT = "ray://"
_ANSWER_SECONDS = 10.0
_log = logging.getLogger(__name__)


@contextmanager
def connected(r: Resources, trainable: str) -> Iterator[None]:
    """Ray for the time of a search. Raises `UserError` if nothing answers at the address."""
    if not r.verbose:
        logging.getLogger("ray").setLevel(logging.ERROR)
        # A worker that died would be an error to Tune; here it is a line of our own.
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    here = r.address in (None, "local")
    if r.address is not None and not here:
        check_answers(r.address)
    options: dict[str, Any] = {"log_to_driver": r.verbose}
    if not r.verbose:
        options["logging_level"] = logging.ERROR
    try:
        if here:
            with _loopback_only():
                # Without an address Ray would join a cluster that it finds.
                ray.init(address="local", include_dashboard=False, **options)
        else:
            _use_token()
            ray.init(address=r.address, runtime_env={"py_modules": code_to_send(trainable)}, **options)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise _no_cluster(r.address, error) from error
    try:
        with nullcontext() if r.address in (None, "local") else head_watched(_head(r.address)):
            yield
    finally:
        ray.shutdown()


def _head(address: str) -> str:
    """HOST:PORT of what must answer for the search to go on."""
    return address.removeprefix(CLIENT) if address.startswith(CLIENT) else ray.get_runtime_context().gcs_address


def _use_token() -> None:
    # `ray start` asks for the token of this account if there is one, and Ray itself would not send it.
    given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    if "RAY_AUTH_MODE" not in os.environ and (given or Path("~/.ray/auth_token").expanduser().exists()):
        os.environ["RAY_AUTH_MODE"] = "token"
        Config.initialize("")


@contextmanager
def _loopback_only() -> Iterator[None]:
    # Ray would listen on every interface of the machine, and whoever reaches it may run code. This is how it keeps to
    # loopback by itself on macOS and Windows.
    name = ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR
    before, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    variable = os.environ.get(name)
    os.environ[name] = "0"
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
        os.environ.pop(name)
        if variable is not None:
            os.environ[name] = variable


def check_answers(address: str) -> None:
    """Raise `UserError` if nothing listens at HOST:PORT; Ray itself takes many minutes to give up."""
    if address == "auto":
        return
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    # Ray reads the names of this machine as its address in the network.
    here = host in ("localhost", "127.0.0.1") and not address.startswith(CLIENT)
    hosts = [host, ray.util.get_node_ip_address()] if here else [host.strip("[]")]
    failure: Exception = ValueError("it is not HOST:PORT")
    for name in hosts if host and port.isdigit() and "://" not in host else []:
        try:
            socket.create_connection((name, int(port)), timeout=_ANSWER_SECONDS).close()
            return
        except (OSError, OverflowError, UnicodeError) as error:
            failure = error
    raise _no_cluster(address, failure)


def _no_cluster(address: str | None, error: Exception) -> UserError:
    where = "this machine" if address is None else repr(address)
    return UserError(
        f"no Ray cluster answers at {where} ({' '.join(str(error).split()) or type(error).__name__}); start one with "
        "`ray start --head`, give auto, its HOST:PORT or ray://HOST:10001 (with its RAY_AUTH_TOKEN in the "
        "environment if it asks for one), or leave out --address to run on this machine."
    )


def gpus_per_trial(r: Resources) -> float:
    """The share of GPUs that a trial asks for."""
    if r.gpus_per_trial is not None:
        return r.gpus_per_trial
    return 1.0 if ray.cluster_resources().get("GPU", 0) >= 1 else 0.0


def check_fits(r: Resources) -> None:
    """Raise `UserError` if this machine has not what a trial asks for; of a cluster, which may grow, only say so."""
    cpus, gpus = r.cpus_per_trial, gpus_per_trial(r)
    if gpus > 1 and gpus != int(gpus):
        raise UserError(f"--gpus-per-trial must be a share of one GPU or a whole number of them, received {gpus:g}.")
    # A trial runs on one machine, so the sum over the cluster says nothing.
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(cpus <= m.get("CPU", 0) and gpus <= m.get("GPU", 0) for m in machines):
        return
    largest = max(((m.get("CPU", 0), m.get("GPU", 0)) for m in machines), default=(0, 0))
    asked = f"a trial asks for {cpus:g} CPU and {gpus:g} GPU"
    if r.address in (None, "local"):
        raise UserError(
            f"{asked} and this machine has {largest[0]:g} and {largest[1]:g}; ask for less with --cpus-per-trial or "
            "--gpus-per-trial."
        )
    _log.warning(
        "%s and no machine of the cluster has both, the largest has %g and %g; waiting for one that has",
        asked,
        *largest,
        extra={"event": "waiting_for_machine"},
    )

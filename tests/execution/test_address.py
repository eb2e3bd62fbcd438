from __future__ import annotations

import socket
import time

import pytest

from tune_stability.errors import UserError
from tune_stability.execution import Resources, get_executor
from tune_stability.sampling.sources import EnumeratedSource


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "refused"),
        ("localhost:1", "refused"),
        ("127.0.0.1", "it is not HOST:PORT"),
        ("127.0.0.1:http", "it is not HOST:PORT"),
        (":6379", "it is not HOST:PORT"),
        ("127.0.0.1:99999", ""),
        ("no-such-host.invalid:6379", ""),
        ("ray://127.0.0.1:1", "refused"),
        ("http://127.0.0.1:8265", "it is not HOST:PORT"),
    ],
)
def test_an_address_where_nothing_answers_is_refused_at_once(make_study, address: str, why: str) -> None:
    place, trials = make_study()
    executor = get_executor("ray", Resources(address=address))
    started = time.monotonic()
    with pytest.raises(UserError) as caught:
        executor.run("s", place, EnumeratedSource(trials), lambda end: None)
    message = str(caught.value)
    assert time.monotonic() - started < 30
    assert message.startswith(f"no Ray cluster answers at {address!r} (")
    assert why in message
    assert message.count("no Ray cluster answers") == 1
    assert message.endswith("or leave out --address to run on this machine.")
    assert "\n" not in message


def test_a_server_that_listens_is_left_to_ray() -> None:
    from tune_stability.execution.ray_connection import check_answers

    with socket.create_server(("127.0.0.1", 0)) as server:
        check_answers(f"127.0.0.1:{server.getsockname()[1]}")
    check_answers("auto")

"""A search through Ray Client, `--address ray://HOST:10001`: Tune runs there, sampler and display here.

Ray Client cannot show Tune a searcher of this process. So Tune runs in a task on the cluster's head, and asks this
process for batches, and tells it of ends, through an actor in which both leave their messages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray

from tune_stability.errors import UserError
from tune_stability.execution.executor import OnEnd, Resources
from tune_stability.sampling.sources import Batch, TrialEnd, TrialSource
from tune_stability.store import Location, Provenance, current_provenance

WAIT_SECONDS = 10.0
"""How long this process waits for messages in one call."""
# The head stays as long as the cluster does.
_ON_HEAD = {"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}}


@dataclass(frozen=True)
class _Message:
    """A call of a method of the source, or of `on_end` or `log`."""

    name: str
    arguments: tuple[Any, ...]


@dataclass
class _Post:
    """The actor. Messages come from Tune's side in order; each waits for its answer."""

    messages: asyncio.Queue[_Message] = field(default_factory=asyncio.Queue)
    answers: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)

    async def call(self, message: _Message) -> Any:
        """For Tune's side: what the search's side returns."""
        await self.messages.put(message)
        return await self.answers.get()

    async def take(self) -> _Message | None:
        """For the search's side: the next message, None if none comes."""
        try:
            return await asyncio.wait_for(self.messages.get(), WAIT_SECONDS)
        except TimeoutError:
            return None

    async def answer(self, value: Any) -> None:
        """For the search's side, to the message taken last."""
        await self.answers.put(value)


class _FarSource:
    """On Tune's side, stands for the source of the search."""

    def __init__(self, post: Any) -> None:
        self._post = post

    def next_batch(self) -> Batch | None:
        batch: Batch | None = self._call("next_batch")
        return batch

    def batch_ended(self, batch: Batch, ends: Sequence[TrialEnd]) -> None:
        self._call("batch_ended", batch, ends)

    def on_end(self, end: TrialEnd) -> None:
        """Tell the search that a trial ended."""
        self._call("on_end", end)

    def _call(self, name: str, *arguments: Any) -> Any:
        return ray.get(self._post.call.remote(_Message(name, arguments)))


class _FarLog(logging.Handler):
    """On Tune's side, sends what this package logs to the search's side."""

    def __init__(self, post: Any) -> None:
        super().__init__(logging.INFO)
        self._post = post

    def emit(self, record: logging.LogRecord) -> None:
        known = logging.makeLogRecord({}).__dict__
        extra = {name: value for name, value in record.__dict__.items() if name not in known and name != "message"}
        message = _Message("log", (record.name, record.levelno, record.getMessage(), extra))
        ray.get(self._post.call.remote(message))


def run_through_client(
    r: Resources, study: str, location: Location, first: Batch, source: TrialSource, on_end: OnEnd
) -> None:
    """As `run_on_tune`, for a process that is connected by Ray Client."""
    code = current_provenance()
    post: Any = ray.remote(_Post).options(**_ON_HEAD).remote()
    done = ray.remote(_run_there).options(**_ON_HEAD, max_retries=0).remote(post, r, code, study, location, first)
    here: dict[str, Callable[..., Any]] = {
        "next_batch": source.next_batch,
        "batch_ended": source.batch_ended,
        "on_end": on_end,
        "log": _log_here,
    }
    try:
        while not ray.wait([done], timeout=0)[0]:
            message = ray.get(post.take.remote())
            if message is not None:
                ray.get(post.answer.remote(here[message.name](*message.arguments)))
        ray.get(done)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from None
        raise
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise UserError(
            f"the connection to {r.address} was lost ({' '.join(str(error).split())[:200]}); what had ended is stored, "
            "run the same command to go on."
        ) from error


def _run_there(post: Any, r: Resources, code: Provenance, study: str, location: Location, first: Batch) -> None:
    from tune_stability.execution.ray_tune import run_on_tune

    far = _FarSource(post)
    logger = logging.getLogger("tune_stability")
    handler = _FarLog(post)
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        run_on_tune(r, code, study, location, first, far, far.on_end)
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def _log_here(name: str, level: int, message: str, extra: dict[str, Any]) -> None:
    logging.getLogger(name).log(level, "%s", message, extra=extra)

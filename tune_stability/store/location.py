"""Where a study lies. No other module knows a folder's or a file's name, or how one is written whole.

- study.json: the spec
- trials/{trial_id}-{unique}.parquet: a trial's row; curves/ and gradients/ hold its logged steps
- trials/compacted-{unique}.parquet: the rows of many trials
- checkpoints/{trial_id}.safetensors: what a trial in flight needs to go on
- region.png, report.html, figures/: what was drawn from the rows
- tensorboard/, mlflow/, wandb/: what `--log-to` writes
- searches/{unique}.json: a search that runs the study, as long as it does
- search.jsonl: what searches logged
- .{name}.{unique}.tmp: a file being written, or left by a killed process
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from pyarrow import fs

from tune_stability.errors import StoreError, UserError
from tune_stability.store.patience import READ_SECONDS, WRITE_SECONDS, RootMissingError, is_away, one_line, patiently
from tune_stability.store.schema import Table

if sys.platform != "win32":
    import fcntl

_OBJECT_STORES = ("s3", "gcs", "abfs")
_COMPACTED = "compacted-"
_CHECKPOINT = ".safetensors"
_SEARCHES = "searches"
_LOG = "search.jsonl"
_CHECK = "check the address and the access to it"

T = TypeVar("T")


@dataclass(frozen=True)
class Location:
    """A folder on a filesystem. `name` is how errors call it. Can be sent to another process."""

    filesystem: fs.FileSystem
    root: str
    name: str

    def shown(self, path: str) -> str:
        """A path below `root` as a person can use it: of a bucket as a URL, without what the server's address is."""
        return path if self._is_local else f"{self.name.partition('://')[0]}://{path}"

    @property
    def study_file(self) -> str:
        return f"{self.root}/study.json"

    @property
    def picture_file(self) -> str:
        return f"{self.root}/region.png"

    @property
    def page_file(self) -> str:
        return f"{self.root}/report.html"

    def comparison_file(self, study: str) -> str:
        """The path of the page that compares this study with another, by its name."""
        return f"{self.root}/report-with-{re.sub(r'[^A-Za-z0-9._-]+', '-', study)}.html"

    def figure(self, name: str) -> str:
        """The path of a figure for print."""
        return f"{self.root}/figures/{name}"

    def shard(self, table: Table, trial_id: str, unique: str) -> str:
        """The path of one trial's rows. `unique` tells the attempts at the same trial apart."""
        return f"{self.root}/{table}/{trial_id}-{unique}.parquet"

    def checkpoints(self) -> dict[str, str]:
        """The paths of all checkpoints, by trial. Raises `UserError`."""
        found = [entry.path for entry in self._entries(f"{self.root}/checkpoints")]
        names = {path.rpartition("/")[2]: path for path in found}
        return {name.removesuffix(_CHECKPOINT): path for name, path in names.items() if name.endswith(_CHECKPOINT)}

    def checkpoint(self, trial_id: str) -> str:
        """The path of a trial's checkpoint."""
        return f"{self.root}/checkpoints/{trial_id}{_CHECKPOINT}"

    def compacted(self, table: Table) -> str:
        """A new path for the rows of many trials."""
        return f"{self.root}/{table}/{_COMPACTED}{unique_name()}.parquet"

    def search_file(self, unique: str) -> str:
        """The path of the file by which a search says that it runs the study."""
        return f"{self.root}/{_SEARCHES}/{unique}.json"

    def search_files(self) -> list[str]:
        """The paths of all these files, sorted. Raises `UserError`."""
        names = (entry.path for entry in self._entries(f"{self.root}/{_SEARCHES}") if _is_search(entry))
        return sorted(names)

    @property
    def log_file(self) -> str:
        """The path, on this machine, of the log of the searches that ran here."""
        return self.log_folder(_LOG)

    def log_folder(self, tool: str) -> str:
        """A folder of this machine for what a tool logs: the study's where that is here, else one under logs/."""
        beside = os.path.abspath(os.path.join("logs", os.path.basename(self.root)))
        return f"{self.root if self._is_local else beside}/{tool}"

    def shards(self, table: Table) -> list[str]:
        """The paths of a table's files, oldest first, without temporary ones. Raises `UserError`."""
        found = [entry for entry in self._entries(f"{self.root}/{table}", is_started=True) if _is_shard(entry)]
        return [entry.path for entry in sorted(found, key=lambda entry: (entry.mtime_ns or 0, entry.path))]

    def foreign_names(self) -> list[str]:
        """The names of everything in the folder, sorted, but what a search puts there before it has a trial."""
        names = sorted(entry.base_name for entry in self._entries(self.root))
        return [name for name in names if name not in ("study.json", _SEARCHES, _LOG) and not _is_temporary(name)]

    def exists(self, path: str) -> bool:
        """Whether there is such a file. Raises `UserError`."""
        return self._reading(lambda: bool(self.filesystem.get_file_info(path).type == fs.FileType.File))

    def read(self, path: str, seconds: float = READ_SECONDS) -> bytes | None:
        """The bytes of a file, None if there is none; waits so long for a store that is away. Raises `UserError`."""

        def read() -> bytes | None:
            try:
                with self.filesystem.open_input_stream(path) as stream:
                    return bytes(stream.read())
            except FileNotFoundError:
                if path != self.study_file:
                    self._check_root()
                return None
            except OSError as error:
                # An object store looks first and reads then; a compaction may have deleted the file in between.
                if is_away(error) or self.filesystem.get_file_info(path).type != fs.FileType.NotFound:
                    raise
                return None

        return self._reading(read, seconds)

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place as a whole, replacing the one there. The root must exist. Raises `UserError`."""
        self._writing(lambda: self._write(path, data, replace=True))

    def create(self, path: str, data: bytes) -> bool:
        """Put a file in place as a whole unless there is one already; whether it did. Raises `UserError`.

        Object stores have no such operation, so there the caller has looked and the last of two at once wins.
        """
        return self._writing(lambda: self._write(path, data, replace=False))

    def make_root(self) -> None:
        """Make the folder if there is none, for whoever starts something in it. Raises `UserError`."""
        if self.filesystem.type_name not in _OBJECT_STORES:
            self._writing(lambda: self.filesystem.create_dir(self.root, recursive=True))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep out other processes that ask for this, where the filesystem can lock a folder; else just go on."""
        descriptor = None
        if sys.platform != "win32" and self._is_local:
            with contextlib.suppress(OSError):
                descriptor = os.open(self.root, os.O_RDONLY)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def delete(self, path: str) -> None:
        """Remove a file; fine if it is gone already. Raises `OSError`."""

        def delete() -> None:
            with contextlib.suppress(FileNotFoundError):
                self.filesystem.delete_file(path)

        # No row is lost with a file that stays, and a search that ends should not wait for long.
        patiently(delete, READ_SECONDS, self.name)

    @property
    def _is_local(self) -> bool:
        return isinstance(self.filesystem, fs.LocalFileSystem)

    def _check_root(self) -> None:
        """Raise `RootMissingError` where a folder of this machine has gone: what it held is unknown, not absent."""
        if self._is_local:
            try:
                os.stat(self.root)
            except FileNotFoundError:
                raise RootMissingError(errno.ENOENT, "the folder is gone; is it still mounted?", self.root) from None

    def _entries(self, folder: str, is_started: bool = False) -> list[fs.FileInfo]:
        def entries() -> list[fs.FileInfo]:
            found = list(self.filesystem.get_file_info(fs.FileSelector(folder, allow_not_found=True)))
            if is_started and not found:
                self._check_root()
            return found

        return self._reading(entries)

    def _reading(self, operation: Callable[[], T], seconds: float = READ_SECONDS) -> T:
        with _readable(self.name, _CHECK):
            return patiently(operation, seconds, self.name)

    def _writing(self, operation: Callable[[], T]) -> T:
        try:
            return patiently(operation, WRITE_SECONDS, self.name)
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"cannot write to {self.name}: {one_line(error)}; make it writable and free some space, or give "
                "another --out. What was finished before is safe."
            ) from None

    def _write(self, path: str, data: bytes, replace: bool) -> bool:
        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/.{name}.{unique_name()}.tmp"
        if self._is_local:
            if replace:
                self._check_root()
            try:
                return _write_local(path, temporary, data, replace)
            except FileNotFoundError:
                if replace:
                    # It may have gone since.
                    self._check_root()
                raise
        if self.filesystem.type_name in _OBJECT_STORES:
            _put(self.filesystem, path, data)
            return True
        self.filesystem.create_dir(folder, recursive=True)
        _put(self.filesystem, temporary, data)
        self.filesystem.move(temporary, path)
        return True


def locate(place: str | Path | Location) -> Location:
    """The folder at a local path or a URL that `pyarrow.fs` opens. Nothing is created, and nobody waited for.

    Raises `UserError` for an unknown scheme, a URL that holds credentials, a place out of reach, or a file.
    """
    if isinstance(place, Location):
        return place
    text = os.fspath(place)
    if not text:
        raise UserError("the study's folder is empty; give a local path or a URL such as s3://bucket/study.")
    is_url = isinstance(place, str) and "://" in text
    if is_url:
        _refuse_credentials(text)
    name = text
    with _readable(name, "give a local path or a file://, s3:// or gs:// URL within reach"):
        if is_url:
            filesystem, root = fs.FileSystem.from_uri(_with_options(text))
        else:
            filesystem, root = fs.LocalFileSystem(), os.path.abspath(os.path.expanduser(text))
        kind = filesystem.get_file_info(root).type
    if kind == fs.FileType.File:
        raise UserError(f"{name} is a file, and a study is a folder; give the folder.")
    return Location(filesystem, root.rstrip("/"), name)


def unique_name() -> str:
    """A name that no other process has."""
    return secrets.token_hex(8)


def is_compacted(path: str) -> bool:
    """Whether a shard holds the rows of many trials."""
    return path.rpartition("/")[2].startswith(_COMPACTED)


def trial_of(path: str) -> str | None:
    """The trial whose rows alone a shard holds; None if it may hold those of others."""
    return None if is_compacted(path) else path.rpartition("/")[2].rpartition("-")[0] or None


def _refuse_credentials(url: str) -> None:
    """A location is sent to other processes, and its name is printed to be given again, so it must hold no secret."""
    scheme, _, rest = url.partition("://")
    address, _, query = rest.partition("?")
    host, _, path = address.partition("/")
    # A secret may have slashes, which end the host too early. A bucket's name has no colon.
    user = host.rpartition("@")[0] or (":" in host and "@" in path)
    # Azure signs with a parameter of just that name.
    names = r"sig|[^=&]*(key|secret|token|password|credential|signature)[^=&]*"
    secrets_of_query = re.search(f"(^|&)({names})=", query, re.I)
    if (user and user != "anonymous") or secrets_of_query:
        raise UserError(
            f"the {scheme}:// URL of the study holds credentials, which would be printed and sent to workers; give it "
            f"without them, and set them in the environment (such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        )


def _with_options(url: str) -> str:
    """The URL with what Arrow should do otherwise than by itself, where the person has not said it."""
    options = {
        # A small file is one request; else it would be an upload of several parts, which is three.
        "s3": "allow_delayed_open=true",
        # Without credentials, and on other errors, Arrow would ask again for 15 minutes and say nothing.
        "gs": "retry_limit_seconds=30",
        "gcs": "retry_limit_seconds=30",
    }
    option = options.get(url.partition("://")[0].lower())
    if option is None or option.partition("=")[0] in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}{option}"


def _is_shard(entry: fs.FileInfo) -> bool:
    hidden = entry.base_name.startswith((".", "_"))
    return entry.type == fs.FileType.File and entry.base_name.endswith(".parquet") and not hidden


def _is_search(entry: fs.FileInfo) -> bool:
    return entry.type == fs.FileType.File and entry.base_name.endswith(".json") and not entry.base_name.startswith(".")


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


@contextlib.contextmanager
def _readable(name: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"cannot open {name}: {one_line(error)}; {remedy}.") from None


def _put(filesystem: fs.FileSystem, path: str, data: bytes) -> None:
    with filesystem.open_output_stream(path) as stream:
        stream.write(data)


def _write_local(path: str, temporary: str, data: bytes, replace: bool) -> bool:
    if replace:
        # One level alone: whoever adds to a study must not make its folder anew where another was mounted.
        with contextlib.suppress(FileExistsError):
            os.mkdir(os.path.dirname(path))
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)
            return True
        return _link(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _link(temporary: str, path: str) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # A filesystem without hard links cannot tell who was first.
        os.replace(temporary, path)
    return True

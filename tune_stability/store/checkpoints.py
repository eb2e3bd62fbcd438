"""The checkpoint of a trial in flight, kept in its study's folder."""

from __future__ import annotations

from dataclasses import dataclass

from tune_stability.errors import StoreError, UserError
from tune_stability.store.location import Location
from tune_stability.store.patience import WRITE_SECONDS


@dataclass(frozen=True)
class StoredCheckpoint:
    """One trial's checkpoint file."""

    location: Location
    trial_id: str

    def read(self) -> bytes | None:
        """What was written last, None if nothing was. Raises `StoreError`."""
        try:
            return self.location.read(self.location.checkpoint(self.trial_id), WRITE_SECONDS)
        except UserError as error:
            raise StoreError(str(error)) from None

    def write(self, data: bytes) -> None:
        """Put `data` in place as a whole. Raises `StoreError`."""
        self.location.write(self.location.checkpoint(self.trial_id), data)

    def delete(self) -> None:
        """Remove the file; fine if there is none. Raises `OSError`."""
        self.location.delete(self.location.checkpoint(self.trial_id))

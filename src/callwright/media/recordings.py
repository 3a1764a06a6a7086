"""Where recordings are on the disk."""

from pathlib import Path

from callwright import ids


class RecordingFiles:
    """The folder of recordings: one folder for each account, one WAV file for each recording.

    Attributes:
        directory: what the stored paths are relative to.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, account_sid: str, sid: str) -> Path:
        """The WAV file of a recording. Nothing is created.

        Raises:
            ValueError: one of them is no SID; a path that leaves the folder can therefore not be made.
        """
        if not ids.valid(account_sid, ids.ACCOUNT) or not ids.valid(sid, ids.RECORDING):
            raise ValueError("not the SIDs of an account and a recording")
        return self.directory / account_sid / f"{sid}.wav"

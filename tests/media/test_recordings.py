"""Where recordings are."""

from pathlib import Path

import pytest

from callwright import ids
from callwright.media.recordings import RecordingFiles

ACCOUNT = "AC" + "1" * 32


def test_each_recording_has_its_file_in_its_accounts_folder(tmp_path: Path) -> None:
    files, sid = RecordingFiles(tmp_path / "recordings"), ids.new(ids.RECORDING)
    path = files.path(ACCOUNT, sid)
    assert path == tmp_path / "recordings" / ACCOUNT / f"{sid}.wav"
    assert path.relative_to(files.directory).parts == (ACCOUNT, f"{sid}.wav")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("account", "sid"),
    [
        ("..", "RE" + "1" * 32),
        (ACCOUNT, "../../etc/passwd"),
        (ACCOUNT, "RE" + "1" * 31 + "/"),
        (ACCOUNT, "CA" + "1" * 32),
        ("", ""),
    ],
)
def test_nothing_leads_out_of_the_folder(tmp_path: Path, account: str, sid: str) -> None:
    with pytest.raises(ValueError):
        RecordingFiles(tmp_path).path(account, sid)

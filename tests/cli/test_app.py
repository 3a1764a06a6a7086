"""The command line: 0, or 1 and lines that say what to do."""

import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import callwright.daemon as daemon_module
from callwright import __version__
from callwright.cli.app import app
from callwright.config import DEMO_ACCOUNT, Config
from callwright.errors import StartError, StoreError

RUN = CliRunner()


def invoke(*arguments: str) -> tuple[int, str, list[str]]:
    """Exit code, standard output, lines on standard error."""
    result = RUN.invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr.splitlines()


def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "callwright.toml"
    path.write_text(text)
    return str(path)


class TestCheckConfig:
    def test_good(self, tmp_path: Path) -> None:
        name = file(tmp_path, f'[[account]]\nsid = "{DEMO_ACCOUNT}"\n')
        assert invoke("check-config", name) == (0, f"{name}: good (1 accounts, 0 numbers, 0 trunks)\n", [])

    def test_what_profiles_have_come_to(self, tmp_path: Path) -> None:
        trunk = f'name = "carrier"\naccount = "{DEMO_ACCOUNT}"\nprofile = ["trusted-pai", "nanp"]\ndiversion = false\n'
        name = file(tmp_path, f'[[account]]\nsid = "{DEMO_ACCOUNT}"\n[[trunk]]\n{trunk}')
        code, out, _ = invoke("check-config", name)
        assert code == 0 and out.splitlines()[0] == (
            "trunk carrier (trusted-pai, nanp): trust_identity=true identity=pai diversion=false"
            " inbound_numbers=nanp outbound_numbers=nanp"
        )

    def test_every_fault_with_its_key(self, tmp_path: Path) -> None:
        text = '[server]\npublic_url = "http://x:99999"\nnonsense = 1\n[[account]]\nsid = "AC1"\nauth_token = "hush"\n'
        code, out, lines = invoke("check-config", file(tmp_path, text))
        assert (code, out) == (1, "")
        assert "callwright: server.nonsense: unknown key" in lines
        assert any(line.startswith("callwright: account.0.sid: ") for line in lines)
        assert not any("hush" in line for line in lines)

    @pytest.mark.parametrize("text", ["[server", '[[number]]\nvoice_url = "http://x:0x1/"\n', "\x00"])
    def test_bad_file(self, tmp_path: Path, text: str) -> None:
        code, _, lines = invoke("check-config", file(tmp_path, text))
        assert code == 1 and lines and all(line.startswith("callwright: ") for line in lines)

    def test_no_file(self, tmp_path: Path) -> None:
        code, _, lines = invoke("check-config", str(tmp_path / "none.toml"))
        assert (code, lines) == (1, [f"callwright: {tmp_path / 'none.toml'}: No such file or directory"])


class TestServe:
    @pytest.fixture
    def served(self, monkeypatch: pytest.MonkeyPatch) -> list[Config]:
        """The configurations that a daemon was run with."""
        seen: list[Config] = []

        async def run(config: Config) -> None:
            seen.append(config)

        monkeypatch.setattr(daemon_module, "run", run)
        return seen

    @pytest.mark.parametrize("directory", ["x", "123", "true"])
    def test_data_directory(self, served: list[Config], directory: str) -> None:
        assert invoke("serve", "--data", directory)[0] == 0
        assert served[0].server.data_dir == Path(directory)
        assert served[0].server.public_url == "http://127.0.0.1:8080"

    @pytest.mark.parametrize("error", [StartError("sip.listen: taken"), StoreError("3 rows could not be written")])
    def test_what_goes_wrong_is_one_line(self, monkeypatch: pytest.MonkeyPatch, error: Any) -> None:
        async def run(config: Config) -> None:
            raise error

        monkeypatch.setattr(daemon_module, "run", run)
        assert invoke("serve") == (1, "", [f"callwright: {error.message}"])

    def test_bad_configuration(self, served: list[Config], tmp_path: Path) -> None:
        code, _, lines = invoke("serve", "--config", file(tmp_path, "[http]\nlisten = 8080\n"))
        assert code == 1 and lines[0].startswith("callwright: http.listen: ") and not served


class TestDemo:
    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (("--key", "55"), "--key: one of 0-9 * #"),
            (("--address", "localhost"), "--address: "),
            (("--uri", "bogus"), "--uri bogus: "),
        ],
    )
    def test_bad_arguments(self, arguments: tuple[str, ...], line: str) -> None:
        code, _, lines = invoke("demo", *arguments)
        assert code == 1 and lines[-1].startswith(f"callwright: {line}")

    def test_nobody_listens(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as nobody:
            nobody.bind(("127.0.0.1", 0))
            uri = f"sip:demo@127.0.0.1:{nobody.getsockname()[1]};transport=tcp"
            code, _, lines = invoke("demo", "--uri", uri)
        assert code == 1
        assert lines[-1].startswith("callwright: no answer: ") and "callwright serve" in lines[-1]


def test_version() -> None:
    assert invoke("version") == (0, f"{__version__}\n", [])

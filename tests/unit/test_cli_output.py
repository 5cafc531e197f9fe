"""Reports on their way to a file or a pipe: whole or not at all, and quiet when nobody listens."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from imgscan.cli.output import PRIVATE, require_writable, write_file
from imgscan.errors import ImgscanError, UsageError


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_file(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert [*tmp_path.iterdir()] == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(ImgscanError, match="No space left") as caught:
        write_file(path, b"new")
    assert caught.value.where == str(path)
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_named_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write_file(pipe, b"report")
    reader.join()
    assert heard == [b"report"]
    assert pipe.is_fifo()


def test_a_private_file_is_private_from_the_start(tmp_path):
    write_file(tmp_path / "report", b"x", mode=PRIVATE)
    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o600


def test_a_closed_pipe_is_quiet():
    program = [sys.executable, "-m", "imgscan", "schema"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_full_disk_behind_standard_output_is_told():
    program = [sys.executable, "-m", "imgscan", "schema"]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 3
    assert result.stderr == "imgscan: error: standard output: cannot be written: No space left on device\n"


CLOSED = {
    "standard input": ("revoke --dry-run <&-", "rules test <&-", "--username me --password-stdin x <&-"),
    "standard output": ("schema >&-", "explain pinecone >&-", "rules list --provider pinecone >&-", "absent.tar >&-"),
}


@pytest.mark.parametrize(("stream", "command"), [(stream, one) for stream, all_ in CLOSED.items() for one in all_])
def test_a_stream_that_is_closed_is_told(stream, command):
    result = run_in_shell(command)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"imgscan: error: {stream}: is closed\n"


@pytest.mark.parametrize("command", ["absent.tar 2>&-", "absent.tar 2>/dev/full"])
def test_nobody_need_listen_to_the_errors(command):
    assert run_in_shell(command).returncode == 3


@pytest.mark.parametrize("command", ["--help", "--version", "scan --help", "schema"])
def test_a_full_disk_is_nobodys_bug(command):
    result = run_in_shell(f"{command} >/dev/full")
    assert result.returncode == 3
    assert result.stderr.endswith("No space left on device\n")
    assert result.stderr.count("\n") == 1


def test_a_report_needs_a_directory_that_can_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "report").touch()
    monkeypatch.setattr("os.access", lambda place, _: place != tmp_path)
    with pytest.raises(UsageError, match="cannot be written"):
        require_writable(tmp_path / "report")


def run_in_shell(command: str) -> subprocess.CompletedProcess[str]:
    line = f'exec "{sys.executable}" -m imgscan {command}'
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)

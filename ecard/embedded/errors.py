"""How the embedded stores can fail to start.

Not errors of a request: they are told to the person at the terminal, in both languages.

    StoresError
     ├── DirectoryBusy   another live process owns the directory
     └── StoreFailed     a server ended or did not answer; the end of its log is in the text
"""

from pathlib import Path

from ecard.errors import Text


class StoresError(Exception):
    """The embedded stores cannot start; `text` says why and what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(f"{text.zh} {text.en}")
        self.text = text


class DirectoryBusy(StoresError):
    """Another process owns this directory; `pid` is its process number, 0 where it could not be read."""

    def __init__(self, directory: Path, pid: int) -> None:
        super().__init__(
            Text(
                f"数据目录 {directory} 正被进程 {pid} 使用；请先停止它, 或另选数据目录。",
                f"The data directory is in use by process {pid}: stop it first, or choose another directory.",
            )
        )
        self.pid = pid


class StoreFailed(StoresError):
    """A server of the wheel did not become ready; `log` ends with its own words."""

    def __init__(self, server: str, log: Path, lines: int = 8) -> None:
        said = "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:]) if log.exists() else ""
        super().__init__(
            Text(f"{server} 未能启动, 日志 {log}：", f"{server} did not start; the end of its log:\n{said}")
        )

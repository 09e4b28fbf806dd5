"""Who runs the servers: PostgreSQL refuses to run as root.

An ordinary user runs them as itself. Root runs them as the system account ``ecard-stores``, made
on first use with `useradd` (``nobody`` where there is no `useradd`), never as root. That account
cannot enter private folders such as /root, and no permission of a folder above is ever changed for
it: programs and data that it cannot reach are kept below /var/lib/ecard instead.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

STATE = Path("/var/lib/ecard")
NAME = "ecard-stores"


class Account(NamedTuple):
    """The user and group number that the servers run as."""

    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """Return whom to run as when this process is root, and None when it is not.

    Data that exists already stays with its owner: a directory first used by an ordinary user works
    for root too, and a system account made anew with another number finds its data.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    entry = _entry(NAME) or _created() or pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _created() -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if useradd:
        options = ("--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")
        # Its failure is not ours: another process may have made the account at this moment.
        subprocess.run([useradd, *options, NAME], check=False, capture_output=True)
    return _entry(NAME)


def new_folder() -> Path:
    """Make and return a new folder below /var/lib/ecard that every account may enter and only root may change."""
    if not STATE.exists():
        STATE.mkdir(parents=True, exist_ok=True)
        STATE.chmod(0o755)  # whatever the umask
    folder = Path(tempfile.mkdtemp(prefix="store-", dir=STATE))
    folder.chmod(0o711)
    return folder


def can_reach(path: Path, account: Account | None) -> bool:
    """Return whether the account may enter, or run, `path`; asked of the kernel, so that all its rules count."""
    if account is None:
        return True
    command = ["/bin/sh", "-c", 'test -x "$0"', str(path)]
    answer = subprocess.run(
        command, check=False, cwd="/", user=account.uid, group=account.gid, extra_groups=[], stdin=subprocess.DEVNULL
    )
    return answer.returncode == 0


def installed(wheel: str, program: str) -> Path:
    """Return a program of an installed wheel, `program` being its path in the package; nothing is imported."""
    return Path(str(distribution(wheel).locate_file(wheel.replace("-", "_")))) / program


def runnable(wheel: str, program: str, account: Account | None) -> str:
    """Return the path of a wheel's program where the account can run it.

    That is the installed file, or one in a copy of the package (with the folder of libraries that
    its wheel put beside it), made once for each version.
    """
    path = installed(wheel, program)
    if can_reach(path, account):
        return str(path)
    package = installed(wheel, "")
    copy = STATE / f"{wheel}-{distribution(wheel).version}"
    if not copy.exists():
        draft = new_folder()
        for tree in (package, package.with_name(f"{package.name}.libs")):
            if tree.exists():
                shutil.copytree(tree, draft / tree.name, symlinks=True)
        _open_to_all(draft)
        try:
            draft.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(draft)
    return str(copy / package.name / program)


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))

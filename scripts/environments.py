"""Python tools of other people, each in an environment of its own under target/, as scripts/requirements/ pins them."""

import hashlib
import pathlib
import re
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "scripts" / "requirements"


def install(name, directory):
    """Makes an environment of scripts/requirements/NAME.txt, unless it is there in these very versions.

    The versions are changed in NAME.in; scripts/lock-python-tools then writes NAME.txt anew.
    """
    pinned = re.findall(r"^\S+==\S+", requirements(name).read_text(), re.MULTILINE)
    if unpinned := wanted(name) - set(pinned):
        sys.exit(f"{requirements(name)} does not have {', '.join(sorted(unpinned))}: run `scripts/lock-python-tools {name}`")
    make(name, directory)


def make(name, directory):
    """As `install`, whatever NAME.in asks for. pip takes only what NAME.txt lists, and refuses a file with another hash."""
    # The programs of an environment that was copied, or whose Python is gone, run something else, or nothing.
    state = [requirements(name).read_bytes(), str(directory).encode(), sys.version.encode()]
    key = hashlib.sha256(b"\n".join(state)).hexdigest()
    marker = directory / "installed"
    if marker.exists() and marker.read_text() == key:
        return
    venv.create(directory, with_pip=True, clear=True)
    command = [directory / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--require-hashes", "--requirement", requirements(name)], check=True)
    marker.write_text(key)


def requirements(name):
    return REQUIREMENTS / f"{name}.txt"


def wanted(name):
    """What NAME.in asks for, as NAME==VERSION."""
    lines = (REQUIREMENTS / f"{name}.in").read_text().splitlines()
    return {re.sub(r"\[.*?\]", "", line) for line in lines if line and not line.startswith("#")}

"""Python tools of other people, each in an environment of its own under target/, as scripts/requirements/ pins them."""

import hashlib
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "scripts" / "requirements"


def install(name, directory):
    """Makes an environment of scripts/requirements/NAME.txt, unless it is there in these very versions.

    pip takes only what is listed, and refuses every file whose hash is not. The versions are changed in NAME.in;
    scripts/lock-python-tools then writes NAME.txt anew.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    # The programs of an environment that was copied, or whose Python is gone, run something else, or nothing.
    state = [requirements.read_bytes(), str(directory).encode(), sys.version.encode()]
    key = hashlib.sha256(b"\n".join(state)).hexdigest()
    marker = directory / "installed"
    if marker.exists() and marker.read_text() == key:
        return
    venv.create(directory, with_pip=True, clear=True)
    command = [directory / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--require-hashes", "--requirement", requirements], check=True)
    marker.write_text(key)

"""Run a command as a container with a read-only root does: all that it can write is one folder and a small /tmp.

Linux namespaces do it, without an engine and without being root; where the kernel or a sandbox forbids them, `jail` is
None. The command has no capability left, and a home that is not there.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# /dev/shm stays writable, as engines leave it.
_SCRIPT = """
set -eu
room=$1; shift
mount --bind "$room" "$room"
while read -r _ at kind _; do
    case "$kind:$at" in
        *:"$room" | *:/dev/* | *:/proc/* | *:/sys/* | proc:* | sysfs:* | devtmpfs:* | cgroup*) ;;
        *) mount -o remount,bind,ro "$at" ;;
    esac
done < /proc/self/mounts
mkdir -p "$room/tmp"
mount -t tmpfs -o size=256m,mode=1777 tmpfs "$room/tmp"
cd "$room"
exec setpriv --bounding-set -all --inh-caps -all --no-new-privs \
    env HOME=/nonexistent TMPDIR="$room/tmp" PYTHONDONTWRITEBYTECODE=1 "$@"
"""


def jailed(room: Path, *command: str) -> list[str]:
    """A command line that runs another, which can write into ``room`` only."""
    namespaces = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"]
    return [*namespaces, "sh", "-c", _SCRIPT, "sh", str(room), *command]


@functools.cache
def why_not() -> str:
    """Why no command can be jailed on this machine; empty when one can."""
    asks = "import os, pathlib, sys\nfor place in sys.argv[1:]:\n    try:\n        pathlib.Path(place, 'x').touch()\n"
    asks += "        print('wrote', place)\n    except OSError as error:\n        print('refused', place)\n"
    with tempfile.TemporaryDirectory() as name:
        room = Path(name).resolve()
        places = [sys.prefix, str(Path(__file__).parent), str(room.parent), str(room)]
        try:
            ended = subprocess.run(
                jailed(room, sys.executable, "-c", asks, *places),
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        except OSError as error:
            return str(error)
        wanted = [f"refused {place}" for place in places[:-1]] + [f"wrote {room}"]
        if ended.stdout.split("\n")[:-1] == wanted:
            return ""
        return f"{' '.join(os.uname().release.split())}: {ended.stderr.strip() or ended.stdout.strip()}"

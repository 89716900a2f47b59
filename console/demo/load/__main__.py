"""`python -m console.demo.load HOME PID_FILE SOCKETS PORT`: started by `console.demo.server` alone.

Waits for "go" on standard input, then keeps the databases busy until the server is gone. When standard input
ends first and the demo is not to be kept, it stops the server.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Goes on in a child process, whose id it leaves in PID_FILE, so that nobody has to wait for its end."""
    home, pid_file, sockets, port = sys.argv[1:]
    child = os.fork()
    if child:
        Path(pid_file).write_text(str(child))
        os._exit(0)
    # Imported by the child alone: whoever started us waits for the parent.
    from console.demo.load.service import run

    run(Path(home), sockets, int(port))


if __name__ == "__main__":
    main()

"""Becomes the program in argv[2:], having asked to be killed when its parent dies.

Run as a script by `child`; argv[1] is the parent's process id. Imports little: it runs
once per server. Outside Linux the request does not exist, and the parent must clean up.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the request was made
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 -- the point: no shell, same process


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

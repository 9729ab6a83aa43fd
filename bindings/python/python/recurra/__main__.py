"""The program: `python -m recurra solve MODEL FILE`."""

import signal
import sys

from recurra import _native


def main() -> int:
    """Runs the program with the arguments of this process."""
    # The program's own way with Ctrl-C: Python would only take note of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["recurra", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())

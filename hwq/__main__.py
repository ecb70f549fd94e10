"""``python -m hwq`` is the command ``hwq``."""

import sys

from hwq.cli.app import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.bench``: what `make bench` runs."""

from tests.bench.emulator import main

raise SystemExit(main())

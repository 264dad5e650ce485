"""AutoTrade: `python main.py --help` says what it can do."""

import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.stderr.write("autotrade: expected Python 3.11 or newer, was " + sys.version.split()[0])
    sys.stderr.write("; install a newer one\n")
    sys.exit(2)

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from autotrade.infrastructure.terminal.entry import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

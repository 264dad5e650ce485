"""The suite. The sweep's kernel runs as plain Python in it: the same code to the last line, without
the half minute it takes to be compiled. That compiled it gives the same is benchmarks/trials'."""

import os

os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

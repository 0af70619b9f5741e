"""What needs a GPU: nothing is collected where there is none, or where it is simulated."""

from adcompiler.backends.cuda import toolkit

collect_ignore_glob = ["test_*.py"] if toolkit.missing() is not None or toolkit.simulated() else []

"""How calls are timed, and what the machine does at best: for the command `bench` and for `benchmarks/`."""

"""Dense linear algebra on the simulator's arrays: what the device's libraries are told, SciPy's do here."""

from library_cases import *  # noqa: F403

"""All programs as users bring them."""

import user_arrays
import user_indexing
import user_loops
import user_slices
import user_solvers
import user_statistics
from user_program import UserProgram

FAMILIES = (user_statistics, user_solvers, user_loops, user_indexing, user_slices, user_arrays)
PROGRAMS: list[UserProgram] = [program for family in FAMILIES for program in family.PROGRAMS]

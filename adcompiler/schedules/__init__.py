"""What is evaluated, stored and taped, and when, for the reversal of a loop of so many steps in so much memory.

Integers alone: a schedule is a list of actions (`actions`), or a machine (`reversal`) that writes them as they
are followed, whose decisions are binomial (`binomial`), those of the fewest evaluations in a given memory
(`tapes`), or of the least time with a disk (`multilevel`); of a loop whose end nobody knows, snapshots are
placed as it goes on (`online`). `moves` joins actions into what a program does at a time. Nothing here knows
of programs, arrays or derivatives: `checkpointing` says what states and tapes are.
"""

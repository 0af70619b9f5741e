"""What is evaluated, stored and taped, and when, to reverse a loop of so many steps in so much memory.

Integers alone: a schedule is a list of actions (`actions`), or a machine (`reversal`) that writes them as
they are followed, whose decisions are binomial (`binomial`), those of the fewest evaluations in a given
memory (`tapes`), or those of the least time with a disk (`multilevel`, `on_disk`); where nobody knows when a
loop ends, states are stored as it goes on (`online`). `moves` joins actions to what a program does at a time.
Nothing here knows of programs, arrays or derivatives: `checkpointing` says what states and tapes are.
"""

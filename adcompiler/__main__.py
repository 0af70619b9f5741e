"""`python -m adcompiler` is the command line."""

from adcompiler.cli import main

if __name__ == "__main__":
    main()

"""`python -m seqbench.cli`, for where the console script is not on the path."""

from seqbench.cli import main

if __name__ == "__main__":
    main()

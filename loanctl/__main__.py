"""`python -m loanctl`: the command line where its script is not on the path."""

from loanctl.cli import main

if __name__ == "__main__":
    main()

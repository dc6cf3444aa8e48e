"""``python -m calovision.cli``."""

from calovision.cli import main

if __name__ == "__main__":
    main()

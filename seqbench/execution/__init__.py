"""Where cells are run: in worker processes of this machine, or in this process."""

"""The packages' own tests need the packages installed: `test_good.py` installs them, and runs these tests then."""

collect_ignore_glob = ["*"]

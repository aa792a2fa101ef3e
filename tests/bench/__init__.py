"""What reading costs, against a loop written by hand: `python -m tests.bench`."""

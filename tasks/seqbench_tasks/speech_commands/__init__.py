"""Speech commands: log-mel frames of a spoken word → the word."""

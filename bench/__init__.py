"""What the daemon costs, beside Asterisk in the same run: the instruments behind scripts/bench.

They know nothing of the server that they load beyond its SIP address and its processes. See `__main__` for the rows.
"""

"""One program for each queue that `peers` compares: no-op tasks, one after the other.

Each takes a folder and a number of tasks, and prints one line of JSON: `rate`, tasks a second from
the first start to the last, and `cpu_ms`, milliseconds of its processor time for each of them.
Those of others run in an environment of their own, so they import nothing of robotq.
"""

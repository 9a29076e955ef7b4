"""The fleet: what several daemons tell each other through one PostgreSQL, and directly.

Each robot's queue stays with the daemon that drives it, and needs none of this to go on and to
stop. Needs the extra `postgres`; a daemon alone imports none of it.
"""

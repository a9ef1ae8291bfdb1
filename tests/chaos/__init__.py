"""One checker over all faults: `python -m tests.chaos`.

Numbered applications are played to workers of both delivery modes, things are broken on a seeded schedule, every topic
is read, and one invariant is held (`tests.chaos.invariant`).
"""

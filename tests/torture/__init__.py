"""What must hold under misfortune and full load: `make torture`, or `python -m tests.torture`.

Each module here holds scenarios of one kind (`scenario`). `__main__` runs them one after the other, each in a process
of its own, and prints each figure beside its target. `test_short` runs the short form of them with the other
tests, and judges what was lost, doubled or refused wrongly; how fast it went is judged by the long form alone, on a
quiet machine.
"""

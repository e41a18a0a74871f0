"""The program that listens to every chat of a talk, queues its questions, answers and reports."""

"""Validators of personal, organisation and card numbers: one format per file, pure, no look-ups.

Each module has the same face, after the habit of python-stdnum, and its doctest is its spec:
`validate` returns the canonical form or raises `BadNumber`, `is_valid` answers yes or no and
`check_digit` computes the last character. Published libraries were tried first and refuse real
numbers (districts founded after a birth, residence permits 81–83, authorities A, N and Y).
"""

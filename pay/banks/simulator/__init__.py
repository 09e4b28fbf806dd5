"""银行模拟器: a bank that integrators and tests run as a process of its own, with its own book and scripted faults.

    python -m pay.banks.simulator --book bank.sqlite

It speaks `pay.banks.wire` on one port; on a second, on the loopback alone, it is told how to fail, and its book
is read (`control.py`). Its book outlives kill -9.
"""

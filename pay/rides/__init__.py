"""乘车 (rides): tapped at gates that are offline, priced by the operator's table, paid for later."""

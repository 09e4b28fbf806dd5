"""故障演练 (drills): the whole system, killed, cut off and filled up under load; then every book is compared."""

"""结算 (settlement): what a merchant is owed at the end of a day is paid to its bank the day after; statements."""

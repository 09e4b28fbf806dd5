"""统计 (statistics): what became of a programme's vouchers and of its money."""

"""培训券项目 (programmes): what a voucher is good for, for whom and where, and the money behind it."""

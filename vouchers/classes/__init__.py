"""培训机构与培训班: who may train, which classes there are, and whose voucher is bound to which."""

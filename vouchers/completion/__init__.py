"""结业: an institution submits that a learner completed, two operators audit it, and the voucher may be redeemed."""

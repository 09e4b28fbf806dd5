"""总账 (the ledger): accounts, journals that sum to zero, entries that never change, holds, and proofs of them."""

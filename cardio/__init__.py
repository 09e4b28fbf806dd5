"""实体社会保障卡 (the physical card): read and authenticated at a counter, as the same evidence as a scanned code."""

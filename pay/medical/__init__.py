"""就医结算 (medical settlement): fees split into legs by the rules of a region, settled, taken back; ADR 0035."""

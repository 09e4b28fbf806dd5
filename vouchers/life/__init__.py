"""一张券的一生 (a voucher's life): claimed, frozen, redeemed, settled, or ended before."""

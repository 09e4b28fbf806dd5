"""Tokens 令牌: minted for grants, redeemed once, refreshed, introspected, revoked."""

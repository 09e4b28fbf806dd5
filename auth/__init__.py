"""The authorization server: clients, logins by scanning, grants and tokens (OAuth 2.0, OpenID Connect, FAPI 2.0)."""

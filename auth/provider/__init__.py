"""The provider's endpoints, as OAuth 2.0 and OpenID Connect name them."""

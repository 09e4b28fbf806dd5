"""The dynamic code: issued, drawn, verified online or offline, and used once."""

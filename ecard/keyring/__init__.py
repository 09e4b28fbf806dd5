"""The key ring: which key signs now, which is published to be next, which still verifies."""

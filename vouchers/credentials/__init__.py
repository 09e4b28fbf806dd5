"""培训证书 (certificates of training): Open Badges 3.0 as JWT, revocable, verified with no network."""

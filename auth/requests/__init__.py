"""Authorization requests 授权请求: read, checked against client and catalogue, pushed ahead (RFC 9126)."""

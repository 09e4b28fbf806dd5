"""Logins 登录: a client asks, a holder's phone scans, sees who asks for what, and confirms or declines."""

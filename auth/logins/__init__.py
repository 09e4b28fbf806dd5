"""Logins by scanning: the page that shows the code, and what becomes of it."""

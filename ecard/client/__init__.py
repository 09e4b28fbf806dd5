"""A small client: what a phone, a terminal, a channel's server and an operator do, over HTTP only."""

from ecard.client.actors import Channel, Operator, Phone, Terminal
from ecard.client.session import Refused, Session

__all__ = ["Channel", "Operator", "Phone", "Refused", "Session", "Terminal"]

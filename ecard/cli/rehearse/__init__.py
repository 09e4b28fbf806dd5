"""`ecard rehearse`: every item of the catalogue, driven to its end over HTTP in every form that it permits."""

from ecard.cli.rehearse.command import rehearse

__all__ = ["rehearse"]

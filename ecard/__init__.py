"""The mobile backend of the electronic social security card (电子社保卡)."""

__version__ = "0.1.0"

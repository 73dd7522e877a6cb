"""The contract's types, written by `ombud new`."""

from dataclasses import dataclass
from enum import Enum, Flag


@dataclass
class SettingsProblem:
    """path = JSON pointer into the settings."""
    path: str
    message: str

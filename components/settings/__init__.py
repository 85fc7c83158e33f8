"""A stack's configuration: typed, frozen, and checked as a whole before the first resource is declared.

Nothing here needs Pulumi: the program, the operators' commands and tests read it alike.
"""

from __future__ import annotations

from components.settings.errors import Problem, SettingsError
from components.settings.keys import PROJECT, CloudflarePlan, Environment, Key, StripeMode
from components.settings.load import load
from components.settings.model import KEYS, NETWORK_ZONES, Settings
from components.settings.sizes import BALANCER_TYPES, MAX_INSTANCES, BalancerType, balancer_type, smallest_balancer

__all__ = [
    "BALANCER_TYPES",
    "KEYS",
    "MAX_INSTANCES",
    "NETWORK_ZONES",
    "PROJECT",
    "BalancerType",
    "CloudflarePlan",
    "Environment",
    "Key",
    "Problem",
    "Settings",
    "SettingsError",
    "StripeMode",
    "balancer_type",
    "load",
    "smallest_balancer",
]

"""The runtime that turns a fresh Debian server into what its role says.

Runs on the server itself, as root, on nothing but Debian's own Python (3.11 on Debian 12, 3.13 on Debian 13): no import
from outside the standard library and this package. Each step first looks at what is there (a fact) and then makes
exactly the change that is missing, so that a second run changes nothing. ``components.role`` packs this package
together with a role's own folder and runs it.
"""

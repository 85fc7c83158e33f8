"""The edge: answers on loopback for every declared host name, from a Worker or the origin of a proxied record."""

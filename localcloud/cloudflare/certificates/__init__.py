"""Certificates for origins, signed by an authority of this cloud."""

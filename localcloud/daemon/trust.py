"""What clients of the edge are to trust, as one file: the system's authorities, then the edge's own.

Most clients take one file of authorities and no second, so that with the edge's alone they would reach nothing else.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from localcloud.daemon.home import Home

MARK = "# The embedded edge's authority"
"""What follows this line in a bundle is ours: a shell whose SSL_CERT_FILE is a bundle starts clouds too."""
USUAL = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")


def write_bundle(home: Home) -> None:
    """Make :attr:`Home.bundle` from the authorities of now. The edge must have made its own."""
    draft = home.bundle.with_suffix(".new")
    text = f"{system_authorities().rstrip()}\n\n{MARK}\n{home.authority.read_text()}"
    draft.write_text(text.lstrip())
    draft.replace(home.bundle)


def system_authorities() -> str:
    """The system's authorities as PEM, of SSL_CERT_FILE where that is set; "" where the system has none in one file."""
    paths = ssl.get_default_verify_paths()
    for name in (os.environ.get("SSL_CERT_FILE"), paths.openssl_cafile, *USUAL):
        if name and Path(name).is_file():
            return Path(name).read_text(errors="replace").split(MARK)[0]
    return ""


def exports(home: Home) -> dict[str, str]:
    """Variables by which OpenSSL, Python, Go, curl and Node trust the edge; none where it has no authority yet."""
    if not home.bundle.is_file():
        return {}
    # Node adds these to its own. It too gets the whole: what it was told to trust before is in it.
    return dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(home.bundle))

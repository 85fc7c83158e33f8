"""An application that this process serves, for as long as a test lasts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from localcloud.daemon.sockets import listen

END_SECONDS = 15


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve an ASGI application on a free loopback port; its address, ``http://127.0.0.1:PORT``."""
    taken = listen(0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, args=([taken],), daemon=True)
    # Before it runs, so that whoever is told the address only waits for the answer.
    taken.listen()
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        assert server.started, "the application did not start"
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(END_SECONDS)
        taken.close()

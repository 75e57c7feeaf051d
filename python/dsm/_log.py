# SPDX-License-Identifier: BSD-2-Clause
"""The library's log lines, on their way to logging.

They come through a pipe. A Python function that the library called would wait for the GIL, which a
thread may hold that waits for a page, and would be called when the interpreter has shut down. The
library's thread waits for neither: where nobody reads the pipe for long, lines are left out.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import threading
from typing import Optional

from . import _lib

TRACE = 5  # logging has no level for it
_LEVELS = {
    _lib.LOG_ERROR: logging.ERROR,
    _lib.LOG_WARN: logging.WARNING,
    _lib.LOG_INFO: logging.INFO,
    _lib.LOG_DEBUG: logging.DEBUG,
    _lib.LOG_TRACE: TRACE,
}
_GRACE = 2.0  # seconds for what has been said at the end

logging.addLevelName(TRACE, "TRACE")
logger = logging.getLogger("dsm")


class Log:
    """The pipe and the thread that reads it. Both stay until the process ends, for nobody can tell
    when a thread of the library's has written for the last time."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._from, self._to = os.pipe()
        os.set_blocking(self._to, False)
        self._descriptor = ctypes.c_int(self._to)
        self._flushed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="dsm-log", daemon=True)
        self._thread.start()
        atexit.register(self.flush)

    def use(self, config: _lib.Config) -> None:
        """Lets a node with this configuration write to it, as much as logging wants."""
        wanted = logger.getEffectiveLevel()
        config.log = ctypes.cast(_lib.lib.dsm_log_fd, _lib.LOG_FN)
        config.log_ctx = ctypes.addressof(self._descriptor)
        config.log_level = max(
            (level for level, python in _LEVELS.items() if python >= wanted),
            default=_lib.LOG_ERROR,
        )

    def _read(self) -> None:
        with open(self._from, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                level, _, text = line.rstrip("\n").partition(" ")
                if text:
                    logger.log(_LEVELS[int(level)], "%s", text)
                else:
                    self._flushed.set()

    def flush(self) -> None:
        """What was said before gets to logging; after a job, and when the program ends."""
        if os.getpid() != self.pid:
            return  # a child of fork: the pipe is its parent's
        self._flushed.clear()
        try:
            os.write(self._to, b"\n")
        except BlockingIOError:
            pass  # full: enough to read
        self._flushed.wait(_GRACE)


_log: Optional[Log] = None


def the_log() -> Log:
    """The process's own, made when it is first asked for."""
    global _log
    if _log is None or _log.pid != os.getpid():
        _log = Log()
    return _log

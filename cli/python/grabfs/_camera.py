# SPDX-License-Identifier: Apache-2.0
"""A camera: its frames, its controls."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import pathlib
import threading
import time
import weakref
from ctypes import byref, create_string_buffer
from types import TracebackType
from typing import Any, Callable, Dict, Iterator, List, Optional, Type, Union

from . import _library
from ._frame import Frame, Hold

Value = Union[int, str]

# A wait in the library is no longer than this: another thread may have closed the camera.
_SLICE_NS = 500_000_000
# A device that does not stop by then never will.
_STOP_SECONDS = 10

# Or a signal came: its handler runs in Python, and may raise an exception.
_NOTHING_YET = (-errno.EAGAIN, -errno.ETIMEDOUT, -errno.EINTR)


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Frames:
    """Frames one after the other, for ever: `for frame in frames`, `async for frame in frames`."""

    def __init__(self, camera: Camera, function: Any) -> None:
        self._camera = camera
        self._function = function

    def next(self, timeout: Optional[float] = None) -> Frame:
        """Returns the next frame. TimeoutError: there was none for so many seconds."""
        return self._camera._take(self._function, timeout)

    def __iter__(self) -> Frames:
        return self

    def __next__(self) -> Frame:
        return self._camera._take(self._function, None)

    def __aiter__(self) -> Frames:
        return self

    async def __anext__(self) -> Frame:
        self._camera.fileno()  # before the first look: what comes behind that is news to it
        while True:
            try:
                return self._camera._take(self._function, 0)
            except TimeoutError:
                await self._camera._news()


class Controls:
    """The controls of a camera by their names, as attributes or as keys.

    >>> with Camera("cam0") as cam:
    ...     list(cam.controls)      # the test picture has none
    []

    `cam.controls.exposure = 10` sets one; `"exposure" in dir(cam.controls)` tells whether it is there.
    Numbers are int, entries of menus str.
    """

    __slots__ = ("_camera",)

    _camera: Camera

    def __init__(self, camera: Camera) -> None:
        object.__setattr__(self, "_camera", camera)

    def __getitem__(self, name: str) -> Value:
        return self._camera.get(name)

    def __setitem__(self, name: str, value: Value) -> None:
        self._camera.set(**{name: value})

    def __iter__(self) -> Iterator[str]:
        folder = self._camera.path / "controls"
        names = os.listdir(folder) if folder.is_dir() else []
        return iter(sorted(name for name in names if not name.endswith(".info")))

    def __dir__(self) -> List[str]:
        return list(self)

    def __getattr__(self, name: str) -> Value:
        try:
            return self[name]
        except FileNotFoundError as error:
            raise AttributeError(str(error)) from error

    def __setattr__(self, name: str, value: Value) -> None:
        try:
            self[name] = value
        except FileNotFoundError as error:
            raise AttributeError(str(error)) from error


class Camera:
    """A capture device of a grabfs mount.

    `device` is its name ("cam0"), its directory ("/mnt/grabfs/cam0", or a pathlib.Path), or None for the
    only one there is. Names are looked up in the mount $GRABFS_MOUNT, else in the only mount.

    Iterating gives the newest frame each time, and skips what came while you were busy; lossless() skips
    none. The frames are held: as many as `hold_limit` at a time, of which a loop needs two.

    >>> with Camera("cam0") as cam:
    ...     for frame in cam:
    ...         if frame.mean() > 0:
    ...             break

    Any thread may use it. Frames stay when it is closed. After a fork the child opens it for itself.
    """

    def __init__(self, device: Union[str, "os.PathLike[str]", None] = None) -> None:
        if device is not None and not isinstance(device, str):
            device = os.path.join(os.curdir, device)  # a path, and no name
        name = None if device is None else os.fsencode(device)
        handle = _library.Handle()
        _library.check(_library.open_device(name, byref(handle)))
        self._handle: Optional[_library.Handle] = handle
        self._directory = os.fsdecode(_library.directory(handle))
        self._lock = threading.RLock()  # of who takes frames
        self._holds: List[weakref.ref[Hold]] = []
        self._waiter: Optional[asyncio.Future[None]] = None
        _cameras.add(self)

    # --- Frames

    def newest(self, timeout: Optional[float] = None) -> Frame:
        """Returns the newest frame, also if it was returned before. Waits for the very first one."""
        return self._take(_library.newest, timeout)

    def next(self, timeout: Optional[float] = None) -> Frame:
        """Returns the newest frame as soon as it is newer than the last one returned.

        TimeoutError: there was none for `timeout` seconds (0: do not wait; None: for ever).
        HoldLimitError: you hold as many frames as you may.
        NoDeviceError: the camera is gone.
        """
        return self._take(_library.next_, timeout)

    def lossless(self, since: Optional[int] = None) -> Frames:
        """Returns an iterator over each frame, from now on or from the number `since` on.

        It misses none as long as it is, over the time of `hold_limit` frames, as fast as the camera;
        what it did miss is in `frame.missed`. One at a time: next() and newest() interrupt it.

        >>> with Camera("cam0") as cam:
        ...     frames = cam.lossless()
        ...     first, second = next(frames), next(frames)
        >>> second.sequence == first.sequence + 1 + second.missed
        True
        """
        if since is not None:
            with self._lock:
                _library.check(_library.seek(self._open(), since))
        return Frames(self, _library.each)

    def __iter__(self) -> Frames:
        return Frames(self, _library.next_)

    def __aiter__(self) -> Frames:
        return Frames(self, _library.next_)

    @property
    def hold_limit(self) -> int:
        """How many frames of this camera may be held at a time."""
        with self._lock:
            return int(_library.hold_limit(self._open()))

    def fileno(self) -> int:
        """Returns a descriptor for select and the like.

        It is readable when there may be news since next(timeout=0) last raised TimeoutError: so call that
        until it does, then wait.
        """
        with self._lock:
            return _library.check(_library.fd(self._open()))

    # --- Attributes and controls

    @property
    def controls(self) -> Controls:
        """The controls of the camera: `cam.controls.exposure = 10`."""
        return Controls(self)

    def get(self, name: str) -> Value:
        """Returns an attribute or a control: an int where it is one, else a str.

        >>> with Camera("cam0") as cam:
        ...     cam.get("width"), cam.get("format")
        (640, 'GREY')
        """
        text = self._text(name)
        try:
            return int(text)
        except ValueError:
            return text

    def set(self, **values: Value) -> None:
        """Sets attributes and controls, one after the other: `cam.set(format="GREY", rate=30)`.

        OSError says why a value was refused, in the device's own words.
        """
        for name, value in values.items():
            text = str(int(value) if isinstance(value, bool) else value)
            _library.check(_library.set_(self._open(), name.encode(), text.encode()))

    @property
    def status(self) -> Dict[str, Any]:
        """All that the mount says of the device: its `status.json`.

        >>> with Camera("cam0") as cam:
        ...     cam.status["buffers"]["count"]
        8
        """
        status: Dict[str, Any] = json.loads(self._text("status.json"))
        return status

    def trigger(self, frames: int = 1) -> None:
        """Captures so many frames by software trigger. Returns at once; next() and lossless() wait."""
        self.set(trigger=frames)

    def start(self) -> None:
        """Starts streaming."""
        self.set(state="start")

    def stop(self) -> None:
        """Stops streaming; returns when the device has stopped."""
        self.set(state="stop")
        deadline = time.monotonic() + _STOP_SECONDS
        while self.get("state") == "streaming":
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "%s does not stop" % self._directory)
            time.sleep(0.001)

    # --- The camera

    @property
    def path(self) -> pathlib.Path:
        """The directory of the device."""
        return pathlib.Path(self._directory)

    @property
    def name(self) -> str:
        """The name of the device."""
        return self.path.name

    @property
    def has_ring(self) -> bool:
        """Whether frames are found and held without system calls, see docs/ring.md."""
        with self._lock:
            return bool(_library.path(self._open()) == b"ring")

    @property
    def closed(self) -> bool:
        return self._handle is None

    def close(self) -> None:
        """Gives the camera back. Frames that are held stay; who waits gets a ValueError."""
        self._handle = None

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<grabfs.Camera %s%s>" % (self._directory, ", closed" if self.closed else "")

    # --- Inside

    def _open(self) -> _library.Handle:
        handle = self._handle
        if handle is None:
            raise ValueError("%s: the camera is closed" % self._directory)
        return handle

    def _take(self, function: Callable[..., int], timeout: Optional[float]) -> Frame:
        if timeout is not None and timeout > threading.TIMEOUT_MAX:
            timeout = None
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            hold = Hold(self._directory)
            wait = _SLICE_NS
            if not self._lock.acquire(True, -1 if timeout is None else max(timeout, 0)):
                raise TimeoutError(errno.ETIMEDOUT, "another thread is waiting for frames")
            try:
                if deadline is not None:
                    wait = min(max(int((deadline - time.monotonic()) * 1e9), 0), wait)
                result = function(self._open(), wait, byref(hold.pointer))
                if result == 0:
                    self._holds.append(weakref.ref(hold))
                    if len(self._holds) > 100:
                        self._forget()
                    return hold.frame()
                if result not in _NOTHING_YET:
                    raise self._failure(result)
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError(errno.ETIMEDOUT, "no frame came in time")
            finally:
                self._lock.release()

    def _forget(self) -> int:
        """Forgets of frames that are held no more; returns how many are."""
        self._holds = [hold for hold in self._holds if hold() is not None]
        return len(self._holds)

    def _failure(self, result: int) -> OSError:
        failure = _library.error(result)
        if not isinstance(failure, _library.HoldLimitError):
            return failure
        held, buffers = self._forget(), self.get("buffers_count")
        whose = "your limit" if held >= self.hold_limit else "and your other programs the rest of your limit"
        return _library.HoldLimitError(
            errno.EDQUOT, "you hold %d of %s buffers, %s: let frames go (del), keep copies (frame.copy()), "
            "or have more buffers (buffers_count)" % (held, buffers, whose))

    async def _news(self) -> None:
        """Waits until the descriptor is readable."""
        if self._waiter is not None:
            raise RuntimeError("%s: another task waits; open the camera once for each" % self._directory)
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        news = self.fileno()
        loop.add_reader(news, _finish, waiter)
        try:
            await waiter
        finally:
            loop.remove_reader(news)
            self._waiter = None

    def _text(self, name: str) -> str:
        size = 4096
        while True:
            text = create_string_buffer(size)
            length = _library.check(_library.get(self._open(), name.encode(), text, size))
            if length < size:
                return text.value.decode(errors="replace")
            size = length + 1


# A thread that held a lock when the process was forked is not in the child.
_cameras: weakref.WeakSet[Camera] = weakref.WeakSet()


def _after_fork() -> None:
    for camera in _cameras:
        camera._lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)

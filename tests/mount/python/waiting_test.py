# SPDX-License-Identifier: Apache-2.0
"""Waiting for frames: with time-outs, signals, threads, select and asyncio."""

import asyncio
import itertools
import select
import signal
import threading
import time
import unittest
from unittest import mock

import grabfs
from support import CameraTest, in_other_process, wait_until


class TimeoutTest(CameraTest):
    def test_no_frame_in_time_is_a_timeout(self):
        for timeout in (0, 0.02, -1):
            for take in (self.cam.next, self.cam.lossless().next):
                with self.assertRaises(TimeoutError):
                    take(timeout=timeout)

    def test_a_time_out_is_as_long_as_it_says(self):
        begin = time.monotonic()
        with self.assertRaises(TimeoutError):
            self.cam.next(timeout=1.1)  # longer than a wait in the library
        self.assertGreaterEqual(time.monotonic() - begin, 1.1)

    def test_a_time_out_may_be_for_ever(self):
        for timeout in (None, 1e12, float("inf")):
            threading.Timer(0.02, self.cam.trigger).start()
            self.assertIsInstance(self.cam.next(timeout=timeout), grabfs.Frame)

    def test_the_very_first_frame_is_waited_for(self):
        self.cam.set(width=64)  # whose buffers are new
        with self.assertRaises(TimeoutError):
            self.cam.newest(timeout=0)
        threading.Timer(0.05, self.cam.trigger).start()
        self.assertEqual(self.cam.newest().shape, (94, 64))


class SignalTest(CameraTest):
    def test_a_handler_runs_and_the_wait_goes_on(self):
        ticks = []
        signal.signal(signal.SIGALRM, lambda *_: ticks.append(len(ticks)) or len(ticks) == 5 and self.cam.trigger())
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        try:
            frame = self.cam.next()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.assertIsInstance(frame, grabfs.Frame)
        self.assertGreaterEqual(len(ticks), 5)

    def test_a_handler_may_take_frames_itself(self):
        number = self.capture()
        taken = []
        signal.signal(signal.SIGALRM, lambda *_: taken.append(self.cam.newest().sequence))
        for count in range(200):
            signal.setitimer(signal.ITIMER_REAL, 0.0001 + count % 7 * 0.00003)
            while len(taken) == count:
                self.cam.newest()
        self.assertEqual(set(taken), {number})

    def test_an_exception_of_a_handler_loses_no_buffer(self):
        class Tick(Exception):
            pass

        def tick(*_):
            raise Tick

        self.capture()
        signal.signal(signal.SIGALRM, tick)
        ticks = 0
        while ticks < 100:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + ticks % 7 * 0.00003)
                for _ in itertools.repeat(None):
                    self.cam.newest(timeout=0)
            except Tick:
                ticks += 1
        self.assertEqual(self.cam._forget(), 0)
        kept = [self.cam.newest() for _ in range(self.cam.hold_limit)]
        self.assertEqual(len(kept), 2, "words that nobody has are lost")

    def test_ctrl_c_ends_a_wait(self):
        waits = ("cam.next()", "next(cam.lossless())", "cam.next(timeout=600)",
                 "asyncio.run(cam.__aiter__().__anext__())")
        script = """
import asyncio
cam = grabfs.Camera()
for wait in sys.argv[1:]:
    try:
        print("waits", flush=True)
        exec(compile(wait, "wait", "exec"))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""
        with in_other_process(script, *waits) as child:
            for wait in waits:
                with self.subTest(wait):
                    self.assertEqual(child.stdout.readline(), "waits\n")
                    time.sleep(0.05)  # it waits by now, or sees the signal before
                    child.send_signal(signal.SIGINT)
                    self.assertEqual(child.stdout.readline(), "interrupted\n")
            self.assertEqual(child.wait(), 0, child.stderr.read())


class ThreadsTest(CameraTest):
    def in_thread(self, function):
        thread = threading.Thread(target=function)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    @mock.patch("grabfs._camera._SLICE_NS", 3600 * 10**9)  # it does not come back by itself
    def test_others_run_while_one_waits(self):
        seen = []
        thread = self.in_thread(lambda: seen.append(self.cam.next()))
        for _ in range(100000):
            self.cam.closed
        self.cam.trigger()
        thread.join()
        self.assertEqual(len(seen), 1)

    def test_others_trigger_and_set_while_one_waits(self):
        widths = []
        thread = self.in_thread(lambda: widths.extend(
            frame.shape[1] for frame in itertools.islice(self.cam, 12)))
        for count in range(12):
            width = 64 + 2 * count
            self.cam.set(width=width)
            self.cam.trigger()
            wait_until(lambda: len(widths) > count)
            self.assertEqual(widths[-1], width)
        thread.join()

    def test_threads_share_the_frames_of_a_camera(self):
        numbers = []

        def loop():
            for frame in self.cam:
                numbers.append(frame.sequence)
                if len(numbers) > 100:
                    return

        self.cam.set(buffers_count=8)
        with self.streaming(rate=300):
            threads = [self.in_thread(loop) for _ in range(2)]
            for thread in threads:
                thread.join()
        self.assertEqual(len(numbers), len(set(numbers)))

    def test_a_thread_that_waits_makes_no_other_late(self):
        thread = self.in_thread(lambda: self.cam.next())
        begin = time.monotonic()
        with self.assertRaises(TimeoutError):
            self.cam.next(timeout=0.1)
        self.assertGreaterEqual(time.monotonic() - begin, 0.1)
        self.cam.trigger()
        thread.join()

    def test_who_waits_for_a_camera_that_is_closed_is_told(self):
        caught = []

        def wait():
            try:
                self.cam.next()
            except ValueError as error:
                caught.append(error)

        thread = self.in_thread(wait)
        self.cam.close()
        thread.join()
        self.assertIn("closed", str(caught[0]))

    def test_frames_end_in_any_thread(self):
        frames = []

        def drop():
            while not done.is_set() or frames:
                if frames:
                    frames.pop()

        done = threading.Event()
        self.cam.set(buffers_count=8)
        threads = [self.in_thread(drop) for _ in range(2)]
        with self.streaming(rate=1000):
            for frame in itertools.islice(self.cam, 200):
                while len(frames) > 2:
                    time.sleep(0)
                frames.append(frame)
                del frame
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(self.cam._forget(), 0)


class SelectTest(CameraTest):
    def drain(self):
        taken = []
        while True:
            try:
                taken.append(self.cam.next(timeout=0).sequence)
            except TimeoutError:
                return taken

    def test_it_is_readable_when_there_is_news(self):
        self.cam.fileno()
        wait_until(lambda: not self.drain() and not select.select([self.cam], [], [], 0)[0])
        for _ in range(3):
            number = self.capture()
            self.assertEqual(select.select([self.cam], [], [], 30)[0], [self.cam])
            self.assertEqual(self.drain(), [number])
            wait_until(lambda: not self.drain() and not select.select([self.cam], [], [], 0)[0])


class AsyncioTest(CameraTest):
    def test_a_loop_takes_each_frame(self):
        async def take():
            numbers = []
            async for frame in self.cam.lossless():
                numbers.append(frame.sequence)
                if len(numbers) == 30:
                    return numbers

        with self.streaming(rate=100):
            numbers = asyncio.run(take())
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_a_frame_between_looking_and_waiting_is_seen(self):
        take = self.cam._take
        captured = []

        def take_and_capture(function, timeout):
            try:
                return take(function, timeout)
            except TimeoutError:
                if not captured:
                    captured.append(self.capture())
                raise

        with mock.patch.object(self.cam, "_take", take_and_capture):
            frame = asyncio.run(self.cam.__aiter__().__anext__())
        self.assertEqual([frame.sequence], captured)

    def test_other_tasks_run_meanwhile(self):
        async def trigger():
            await asyncio.sleep(0.05)
            self.cam.trigger()

        async def both():
            return await asyncio.gather(self.cam.__aiter__().__anext__(), trigger())

        frame, _ = asyncio.run(both())
        self.assertIsInstance(frame, grabfs.Frame)

    def test_a_wait_can_be_given_up(self):
        async def give_up():
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(self.cam.__aiter__().__anext__(), 0.05)
            self.cam.trigger()
            return await self.cam.__aiter__().__anext__()

        self.assertIsInstance(asyncio.run(give_up()), grabfs.Frame)

    def test_two_tasks_open_two_cameras(self):
        async def second():
            first = asyncio.ensure_future(self.cam.__aiter__().__anext__())
            await asyncio.sleep(0.02)
            with self.assertRaisesRegex(RuntimeError, "open"):
                await self.cam.__aiter__().__anext__()
            other = asyncio.ensure_future(grabfs.Camera("cam0").__aiter__().__anext__())
            await asyncio.sleep(0.02)
            self.cam.trigger()
            return await first, await other

        frames = asyncio.run(second())
        self.assertEqual(frames[0].sequence, frames[1].sequence)


if __name__ == "__main__":
    unittest.main()

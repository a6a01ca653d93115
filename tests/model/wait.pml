/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting: docs/ring.md, "Waiting". Proved: a reader sees the last frame, however its looking, its
 * going to sleep and the daemon's waking interleave. A lost wake-up is an invalid end state: a reader
 * that sleeps while nobody is left to wake it.
 *
 * With one of these defined the model must fail:
 *   NO_SECOND_LOOK   the reader does not look again after it said that it waits
 *   WAKE_FIRST       the daemon looks who waits before it publishes the frame
 *   NO_COMPARE       the futex does not compare the word before it sleeps
 */
#define FRAMES 3

byte newest;
bit waiting;
bool asleep;

inline wake() {
  if
  :: waiting -> waiting = 0; asleep = false
  :: else
  fi
}

active proctype Daemon() {
  do
  :: newest < FRAMES ->
#ifdef WAKE_FIRST
     wake();
     newest++
#else
     newest++;
     wake()
#endif
  :: else -> break
  od
}

active proctype Reader() {
  byte seen, look;
  do
  :: seen == FRAMES -> break
  :: else ->
     look = newest;
     if
     :: look != seen -> seen = look
     :: else ->
        waiting = 1;
#ifndef NO_SECOND_LOOK
        look = newest;
#endif
        if
        :: look != seen -> waiting = 0
        :: else ->
           /* FUTEX_WAIT: compares and goes to sleep in one step, as the kernel does. */
#ifdef NO_COMPARE
           asleep = true;
#else
           atomic {
             if
             :: waiting -> asleep = true
             :: else
             fi
           };
#endif
           !asleep
        fi
     fi
  od
}

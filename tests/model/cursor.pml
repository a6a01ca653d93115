/* SPDX-License-Identifier: Apache-2.0
 *
 * Lossless: docs/ring.md, "Lossless". Proved: a reader that is never further behind than it has words
 * gets every frame, in order, whole, and believes of none that it was lost.
 *
 * With one of these defined the model must fail:
 *   CURSOR_FIRST     the reader moves its cursor on before it holds the frame
 *   ONE_SCAN         the reader believes its first look at the slots
 *   NO_CURSOR        the daemon does not look at cursors
 */
#define SLOTS 3
#define WORDS 2
#define FRAMES 5

#define READY 0
#define UNDECIDED 1
#define NONE 2

/* A frame's sequence number stands for its generation: it is never used again either. 0: no frame. */
byte sequence[SLOTS];
byte state[SLOTS] = NONE;
byte pixels[SLOTS];
byte word;
byte cursor = 1; /* the sequence number wanted next */

/* What the first pass makes of slot s, from the word and the cursor as it read them. */
#ifdef NO_CURSOR
#define WANTED (sequence[s] == w)
#else
#define WANTED (sequence[s] == w || (sequence[s] >= c && sequence[s] < c + free))
#endif

active proctype Daemon() {
  byte next = 1, s, w, c, free;
  do
  :: next > FRAMES -> break
  :: next <= FRAMES && next < cursor + WORDS -> /* the reader is not further behind */
     /* Any slot: others may be held by somebody who is not modelled. */
     if
     :: s = 0
     :: s = 1
     :: s = 2
     fi;
     if
     :: state[s] == READY ->
        w = word;
        c = cursor;
        free = (w == 0 -> WORDS : WORDS - 1);
        if
        :: w >= c && w < c + free -> free++ /* it has its word, the next ones the others */
        :: else
        fi;
        if
        :: WANTED -> skip
        :: else ->
           state[s] = UNDECIDED;
           if
           :: word == sequence[s] -> state[s] = READY
           :: else -> state[s] = NONE
           fi
        fi
     :: else
     fi;
     if
     :: state[s] == NONE ->
        pixels[s] = 0;
        sequence[s] = next;
        pixels[s] = next;
        state[s] = READY;
        next++
     :: else
     fi;
     w = 0;
     c = 0;
     free = 0
  od
}

/* found: the frame with the lowest number from the cursor on; 255: none. */
inline scan() {
  found = 255;
  i = 0;
  do
  :: i < SLOTS ->
     atomic { /* a slot's generation before and after its number: the two are read as one */
       if
       :: state[i] == READY && sequence[i] >= cursor && sequence[i] < found ->
          found = sequence[i];
          where = i
       :: state[i] == UNDECIDED -> undecided = true
       :: else
       fi
     };
     i++
  :: else -> break
  od;
  i = 0
}

active proctype Reader() {
  byte found, i, where;
  bool undecided;
  do
  :: cursor > FRAMES -> break
  :: else ->
     undecided = false;
     scan();
#ifndef ONE_SCAN
     if
     :: found != 255 && found != cursor -> undecided = false; scan()
     :: else
     fi;
#endif
     if
     :: found == 255 -> skip
     :: found != cursor && undecided -> skip
     :: else ->
#ifdef CURSOR_FIRST
        cursor = found + 1;
#endif
        word = found;
        if
        :: state[where] == READY && sequence[where] == found ->
           assert(found == (cursor
#ifdef CURSOR_FIRST
                            - 1
#endif
                            ));
           assert(pixels[where] == found);
#ifndef CURSOR_FIRST
           cursor = found + 1;
#endif
           assert(pixels[where] == found);
           word = 0
        :: else ->
           word = 0;
#ifdef CURSOR_FIRST
           assert(state[where] == UNDECIDED && sequence[where] == found)
#endif
        fi
     fi
  od
}

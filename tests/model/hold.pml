/* SPDX-License-Identifier: Apache-2.0
 *
 * Holding: docs/ring.md, "Holding" and "Filling", as the daemon and its readers execute it. Every
 * access to a generation and to a word is one step of its own, and steps interleave in every order:
 * what sequentially consistent atomics do.
 *
 * Proved: nobody sees a frame that is not the one he holds, whole. Also for a reader whose page is
 * made at any moment, who dies holding, and of whose frame the name is taken away.
 *
 * With one of these defined the model must fail:
 *   NO_SECOND_PASS   the daemon fills what its first pass found free
 *   NO_REREAD        a reader trusts the word that he has written
 *   OLD_LIST         the second pass looks at the pages that there were before it began
 *   UNLINK_IS_FREE   what lost its name is filled without looking
 *   EARLY            a generation is published before the pixels are complete
 */
#define SLOTS 2
#define READERS 2
#define FILLS 3

#define READY 0
#define UNDECIDED 1
#define NONE 2
#define UNLINKED 3
#define GENERATION(number, slot, state) ((number) * 16 + (slot) * 4 + (state))
#define SLOT_OF(generation) (((generation) / 4) % 4)
#define STATE_OF(generation) ((generation) % 4)
#define FILLING_OF(generation) ((generation) / 4)

byte generation[SLOTS];
byte newest;
byte word[READERS];
bool known[READERS]; /* the daemon has this page in its list */
byte pixels[SLOTS];  /* FILLING_OF(what they show); 0: a mixture */

/* busy: somebody has this filling in a word. */
inline look(wanted) {
  busy = false;
  r = 0;
  do
  :: r < READERS ->
#ifdef OLD_LIST
     if
     :: list[r] && FILLING_OF(word[r]) == FILLING_OF(wanted) -> busy = true
     :: else
     fi;
#else
     if
     :: known[r] ->
        if
        :: FILLING_OF(word[r]) == FILLING_OF(wanted) -> busy = true
        :: else
        fi
     :: else
     fi;
#endif
     r++
  :: else -> break
  od;
  r = 0
}

inline claim() {
  old = generation[s];
  look(old);
  if
  :: busy || old == 0 -> skip
  :: else ->
#ifdef OLD_LIST
     list[0] = known[0];
     list[1] = known[1];
#endif
     if
     :: STATE_OF(old) == READY -> generation[s] = old + UNDECIDED
     :: else
     fi;
#ifndef NO_SECOND_PASS
     look(old);
#endif
     if
     :: busy -> generation[s] = old
     :: else -> generation[s] = FILLING_OF(old) * 4 + NONE
     fi
  fi
}

inline fill() {
  number++;
  pixels[s] = 0;
#ifdef EARLY
  generation[s] = GENERATION(number, s, READY);
  newest = generation[s];
  pixels[s] = FILLING_OF(newest);
#else
  pixels[s] = FILLING_OF(GENERATION(number, s, READY));
  generation[s] = GENERATION(number, s, READY);
  newest = generation[s];
#endif
}

active proctype Daemon() {
  byte s, r, old, number;
  bool busy;
#ifdef OLD_LIST
  bool list[READERS];
#endif
  do
  :: number < FILLS ->
     /* Any slot, the newest too: the others may be held by somebody who is not modelled. */
     if
     :: s = 0
     :: s = 1
     fi;
     if
     :: STATE_OF(generation[s]) == READY && generation[s] != 0 ->
        if
        :: claim()
        :: generation[s] = generation[s] + UNLINKED; busy = true
        fi
#ifdef UNLINK_IS_FREE
     :: STATE_OF(generation[s]) == UNLINKED -> busy = false
#else
     :: STATE_OF(generation[s]) == UNLINKED -> claim()
#endif
     :: else -> busy = false
     fi;
     if
     :: busy
     :: else -> fill()
     fi;
     old = 0;
     busy = false
  :: else -> break
  od
}

active [READERS] proctype Reader() {
  byte me = _pid - 1, held, again;
  known[me] = true;
  do
  :: held = newest;
     if
     :: held == 0
     :: else ->
        word[me] = held;
        again = generation[SLOT_OF(held)];
#ifdef NO_REREAD
        again = held;
#endif
        if
        :: again == held ->
           assert(pixels[SLOT_OF(held)] == FILLING_OF(held)); /* looking begins... */
           assert(pixels[SLOT_OF(held)] == FILLING_OF(held))  /* ...and ends */
        :: else
        fi;
        word[me] = 0;
        held = 0;
        again = 0
     fi
  :: break
  od;
  if
  :: known[me] = false /* its last mapping went */
  :: skip
  fi
}

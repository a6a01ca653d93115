/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What those have of the engine who submit requests. Unless a comment says otherwise,
 * adapter->lock is held.
 */
#ifndef GRABDMA_ENGINE_H
#define GRABDMA_ENGINE_H

#include "grabdma.h"

static inline struct grabdma_adapter *grabdma_engine_adapter(struct grabdma_engine *engine)
{
	return container_of(engine, struct grabdma_adapter, engine);
}

/* With or without the lock. */
static inline bool grabdma_engine_idle(const struct grabdma_engine *engine)
{
	return !READ_ONCE(engine->in_flight);
}

/* Has it room for one more? */
static inline bool grabdma_engine_takes(const struct grabdma_engine *engine)
{
	return engine->in_flight < engine->depth && !engine->claims;
}

/* Number @number of the requests in flight, from the oldest on; one more: the next one's place. */
static inline struct grabdma_slot *grabdma_engine_slot(struct grabdma_engine *engine,
						       unsigned int number)
{
	return &engine->slots[(engine->first + number) % engine->depth];
}

struct grabdma_slot *grabdma_engine_next(struct grabdma_engine *engine);
void grabdma_engine_submit(struct grabdma_engine *engine);
bool grabdma_engine_captures(struct grabdma_engine *engine, const struct grabdma_session *session);

/* Without the lock; the last two also with the control mutex. */
void grabdma_engine_unclaim(struct grabdma_adapter *adapter);
void grabdma_engine_rewind(struct grabdma_adapter *adapter);
void grabdma_engine_cancel_claimed(struct grabdma_adapter *adapter, int error);

/* frame.c, for queue.c and capture.c; with the lock */
void grabdma_frames_ready(struct grabdma_engine *engine);
/* The timer's, without */
enum hrtimer_restart grabdma_frame_tick(struct hrtimer *timer);

#endif /* GRABDMA_ENGINE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between engine.c, frame.c, queue.c and capture.c; nobody else includes it. Unless a comment says
 * otherwise, adapter->lock is held.
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
	return READ_ONCE(engine->phase) == GRABDMA_ENGINE_IDLE;
}

void grabdma_engine_submit(struct grabdma_engine *engine);

/* Without the lock; the last one also with the control mutex. */
void grabdma_engine_unclaim(struct grabdma_adapter *adapter);
void grabdma_engine_cancel_claimed(struct grabdma_adapter *adapter, int error);

/* With the lock again. */
struct grabdma_buffer *grabdma_buffer_in_flight(struct grabdma_engine *engine);
void grabdma_frame_kick(struct grabdma_engine *engine);
void grabdma_frame_done(struct grabdma_engine *engine, int error, u64 timestamp_ns);
enum hrtimer_restart grabdma_frame_tick(struct hrtimer *timer);

#endif /* GRABDMA_ENGINE_H */

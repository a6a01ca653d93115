// SPDX-License-Identifier: GPL-2.0
/* Plays the hardware of example_fpga.h in software: a work writes, an irq_work interrupts. */
#include <linux/dma-direct.h>
#include <linux/irq_work.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "example_fpga.h"

#define FRAME_MS 5

struct fpga {
	struct device *dev;
	const struct fpga_descriptor *ring;
	irq_handler_t handler;
	void *data;
	struct irq_work interrupt;
	struct delayed_work work;
	u32 head;
	u8 frames; /* the picture: all bytes of a frame are its number */

	spinlock_t lock;
	u32 registers[FPGA_REGISTERS];
};

static u32 get(struct fpga *fpga, unsigned int reg)
{
	return READ_ONCE(fpga->registers[reg / 4]);
}

static void interrupt(struct irq_work *work)
{
	struct fpga *fpga = container_of(work, struct fpga, interrupt);

	fpga->handler(0, fpga->data);
}

static void write_frame(struct fpga *fpga)
{
	const struct fpga_descriptor *descriptor;

	do {
		phys_addr_t where;

		descriptor = &fpga->ring[fpga->head++ % FPGA_RING];
		where = dma_to_phys(fpga->dev, le64_to_cpu(descriptor->address));
		memset(phys_to_virt(where), fpga->frames, le32_to_cpu(descriptor->bytes));
	} while (!descriptor->last);
	fpga->frames++;
}

static void work(struct work_struct *work)
{
	struct fpga *fpga = container_of(to_delayed_work(work), struct fpga, work);

	if (!get(fpga, FPGA_RUN))
		return;
	if (fpga->head % FPGA_RING != get(fpga, FPGA_TAIL)) {
		write_frame(fpga);
		spin_lock_irq(&fpga->lock);
		fpga->registers[FPGA_STATUS / 4]++;
		fpga->registers[FPGA_CLOCK / 4] = ktime_to_us(ktime_get());
		spin_unlock_irq(&fpga->lock);
		irq_work_queue(&fpga->interrupt);
	}
	schedule_delayed_work(&fpga->work, msecs_to_jiffies(FRAME_MS));
}

u32 fpga_read(struct fpga *fpga, unsigned int reg)
{
	unsigned long flags;
	u32 value;

	spin_lock_irqsave(&fpga->lock, flags);
	value = fpga->registers[reg / 4];
	if (reg == FPGA_STATUS)
		fpga->registers[reg / 4] = 0;
	spin_unlock_irqrestore(&fpga->lock, flags);
	return value;
}

void fpga_write(struct fpga *fpga, unsigned int reg, u32 value)
{
	WRITE_ONCE(fpga->registers[reg / 4], value);
	if (reg != FPGA_RUN)
		return;
	if (value) {
		fpga->head = 0;
		schedule_delayed_work(&fpga->work, 0);
	} else {
		cancel_delayed_work_sync(&fpga->work);
		irq_work_sync(&fpga->interrupt);
	}
}

struct fpga *fpga_create(struct device *dev, const struct fpga_descriptor *ring,
			 irq_handler_t handler, void *data)
{
	struct fpga *fpga = kzalloc(sizeof(*fpga), GFP_KERNEL);

	if (!fpga)
		return NULL;
	fpga->dev = dev;
	fpga->ring = ring;
	fpga->handler = handler;
	fpga->data = data;
	spin_lock_init(&fpga->lock);
	init_irq_work(&fpga->interrupt, interrupt);
	INIT_DELAYED_WORK(&fpga->work, work);
	return fpga;
}

void fpga_destroy(struct fpga *fpga)
{
	if (fpga)
		fpga_write(fpga, FPGA_RUN, 0);
	kfree(fpga);
}

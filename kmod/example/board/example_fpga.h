/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data sheet of an imaginary frame grabber: an FPGA with a ring of descriptors in host memory.
 *
 * A frame is one or more descriptors, the last of which says so. The host writes descriptors and then
 * FPGA_TAIL, the number of the first one that is free; the board fills the memory that they describe,
 * frame after frame, and raises its interrupt for each. FPGA_STATUS says for how many frames since it
 * was last read. FPGA_RUN 0 stops the board: nothing is written when the register reads as 0.
 *
 * The hardware is played by example_fpga.c. Of a real board, the three functions are readl(),
 * writel() and request_irq().
 */
#ifndef EXAMPLE_FPGA_H
#define EXAMPLE_FPGA_H

#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/types.h>

#define FPGA_RUN 0x00	 /* begins with descriptor 0 */
#define FPGA_TAIL 0x04
#define FPGA_STATUS 0x08 /* frames that are complete; reading clears it */
#define FPGA_CLOCK 0x0c	 /* microseconds, of the last frame */
#define FPGA_REGISTERS 4

#define FPGA_RING 1024			/* descriptors; a power of two */
#define FPGA_SEGMENT_BYTES (1U << 20)	/* of one descriptor at most */

struct fpga_descriptor {
	__le64 address;
	__le32 bytes;
	__le32 last;
};

struct fpga;

struct fpga *fpga_create(struct device *dev, const struct fpga_descriptor *ring,
			 irq_handler_t handler, void *data);
void fpga_destroy(struct fpga *fpga);
u32 fpga_read(struct fpga *fpga, unsigned int reg);
void fpga_write(struct fpga *fpga, unsigned int reg, u32 value);

#endif /* EXAMPLE_FPGA_H */

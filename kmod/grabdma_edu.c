// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's educational PCI device as a frame grabber, and an example for boards that take one piece
 * of memory at a time: bus-master DMA into scattered pages, in both directions, with MSI. (For boards
 * with descriptors see docs/adding-a-board.md.)
 *
 * The device has 4096 bytes of memory, of which the first half is used: QEMU before 8.0 ends at
 * any transfer that touches the last byte. It has no camera: of each piece of an image, the test
 * picture is painted into a staging buffer, the device fetches it by DMA into its memory, and
 * then writes it by DMA to where the piece belongs in the frame. Every byte of a frame is written
 * by the device.
 *
 *     submit ─▶ [stage ─irq─▶] move ─irq─▶ … next piece … ─▶ grabdma_done
 */
#include <linux/interrupt.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "picture.h"

#define DRIVER_NAME "grabdma-edu"

#define EDU_ID 0x00
#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_ACK 0x64
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98

#define EDU_DMA_RUN BIT(0)
#define EDU_DMA_TO_HOST BIT(1)
#define EDU_DMA_IRQ BIT(2)
#define EDU_IRQ_DMA 0x100

#define EDU_MEMORY 0x40000
#define EDU_MEMORY_BYTES 2048
#define EDU_ABORT_US 1000000 /* a transfer takes 100 ms */

static unsigned int dma_bits = 28;
module_param(dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits, "Address bits of the edu device, its option dma_mask (default 28)");

struct edu {
	struct pci_dev *pci;
	void __iomem *registers;
	struct grabdma_adapter *adapter;
	struct grabdma_picture picture;
	void *staging;
	dma_addr_t staging_address;

	spinlock_t lock;		 /* of what follows */
	struct grabdma_request *request; /* in flight */
	u64 position;			 /* in the buffer, of the piece in flight */
	size_t piece;
	dma_addr_t address;
	bool staged; /* the piece is in the device's memory already */
};

static void start_dma(struct edu *edu, dma_addr_t host, bool to_host)
{
	u64 memory = EDU_MEMORY + edu->position % EDU_MEMORY_BYTES;

	writeq(to_host ? memory : host, edu->registers + EDU_DMA_SOURCE);
	writeq(to_host ? host : memory, edu->registers + EDU_DMA_DESTINATION);
	writeq(edu->piece, edu->registers + EDU_DMA_COUNT);
	writeq(EDU_DMA_RUN | EDU_DMA_IRQ | (to_host ? EDU_DMA_TO_HOST : 0),
	       edu->registers + EDU_DMA_COMMAND);
}

static void start_piece(struct edu *edu)
{
	struct grabdma_request *request = edu->request;
	size_t limit = EDU_MEMORY_BYTES - edu->position % EDU_MEMORY_BYTES;

	edu->piece = grabdma_dma_piece(request, edu->position, limit, &edu->address);
	edu->staged = !grabdma_picture_wanted(request);
	if (edu->staged) {
		start_dma(edu, edu->address, request->direction == GRABDMA_DIRECTION_CAPTURE);
	} else {
		grabdma_picture_paint(&edu->picture, request->sequence, edu->position, edu->piece,
				      edu->staging);
		start_dma(edu, edu->staging_address, false);
	}
}

/* The device has finished one DMA. Returns the request if that was its last. */
static struct grabdma_request *advance(struct edu *edu)
{
	struct grabdma_request *request = edu->request;

	if (!edu->staged) {
		edu->staged = true;
		start_dma(edu, edu->address, true);
		return NULL;
	}
	edu->position += edu->piece;
	if (edu->position < request->offset + request->bytes) {
		start_piece(edu);
		return NULL;
	}
	edu->request = NULL;
	return request;
}

static irqreturn_t edu_interrupt(int irq, void *data)
{
	struct edu *edu = data;
	const struct grabdma_result result = { .timestamp_ns = ktime_get_ns() };
	struct grabdma_request *done = NULL;
	u32 status;

	spin_lock(&edu->lock);
	status = readl(edu->registers + EDU_IRQ_STATUS);
	if (PCI_POSSIBLE_ERROR(status)) /* pulled out: the watchdog or the unbinding will tell */
		status = 0;
	writel(status, edu->registers + EDU_IRQ_ACK);
	if ((status & EDU_IRQ_DMA) && edu->request) {
		grabdma_progress(edu->adapter);
		done = advance(edu);
	}
	spin_unlock(&edu->lock);
	if (done)
		grabdma_done(done, &result);
	return status ? IRQ_HANDLED : IRQ_NONE;
}

static int edu_prepare(struct grabdma_adapter *adapter, const struct grabdma_format *format)
{
	struct edu *edu = grabdma_priv(adapter);

	if (!edu->pci->is_busmaster) {
		if (readq(edu->registers + EDU_DMA_COMMAND) & EDU_DMA_RUN)
			return -EIO;
		pci_set_master(edu->pci);
	}
	return grabdma_picture_prepare(&edu->picture, format);
}

static void edu_submit(struct grabdma_adapter *adapter, struct grabdma_request *request)
{
	struct edu *edu = grabdma_priv(adapter);

	spin_lock(&edu->lock);
	edu->request = request;
	edu->position = request->offset;
	start_piece(edu);
	spin_unlock(&edu->lock);
}

/*
 * The device cannot be stopped, but cut off from the bus, so that it writes nowhere any more. When
 * its transfer has run out it is let in again. One that does not come to an end, or is gone (all
 * registers are ones), stays out until edu_prepare() finds it idle.
 */
static void edu_abort(struct grabdma_adapter *adapter)
{
	struct edu *edu = grabdma_priv(adapter);
	u64 command;

	spin_lock_irq(&edu->lock);
	edu->request = NULL;
	spin_unlock_irq(&edu->lock);
	pci_clear_master(edu->pci);
	if (!readq_poll_timeout(edu->registers + EDU_DMA_COMMAND, command,
				!(command & EDU_DMA_RUN) || command == U64_MAX, 1000,
				EDU_ABORT_US) &&
	    command != U64_MAX)
		pci_set_master(edu->pci);
	/* An interrupt of the end that is still on its way must not be taken for the next one's. */
	writel(EDU_IRQ_DMA, edu->registers + EDU_IRQ_ACK);
	synchronize_irq(pci_irq_vector(edu->pci, 0));
}

static const struct grabdma_adapter_ops edu_ops = {
	.name = "edu",
	.directions = GRABDMA_DIRECTION_CAPTURE | GRABDMA_DIRECTION_OUTPUT,
	.enum_format = grabdma_picture_enum_format,
	.check_format = grabdma_picture_check_format,
	.prepare = edu_prepare,
	.submit = edu_submit,
	.abort = edu_abort,
};

/* All of it ends by itself when the device is unbound, after edu_remove(). */
static int edu_setup(struct edu *edu)
{
	struct pci_dev *pci = edu->pci;
	int error = pcim_enable_device(pci);

	if (error)
		return error;
	error = pcim_iomap_regions(pci, BIT(0), DRIVER_NAME);
	if (error)
		return error;
	edu->registers = pcim_iomap_table(pci)[0];
	if ((readl(edu->registers + EDU_ID) & 0xff) != 0xed)
		return -ENODEV;
	error = dma_set_mask_and_coherent(&pci->dev, DMA_BIT_MASK(clamp(dma_bits, 20u, 64u)));
	if (error)
		return error;
	edu->staging = dmam_alloc_coherent(&pci->dev, EDU_MEMORY_BYTES, &edu->staging_address,
					   GFP_KERNEL);
	if (!edu->staging)
		return -ENOMEM;
	pci_set_master(pci);
	pci_save_state(pci); /* for edu_slot_reset() */
	error = pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_ALL_TYPES);
	if (error < 0)
		return error;
	return devm_request_irq(&pci->dev, pci_irq_vector(pci, 0), edu_interrupt, IRQF_SHARED,
				DRIVER_NAME, edu);
}

static int edu_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct grabdma_adapter_config config = {
		.ops = &edu_ops,
		.parent = &pci->dev,
		.dma_dev = &pci->dev,
		.device_bytes = EDU_MEMORY_BYTES,
		.default_format = { .fourcc = TEST_PICTURE_GREY, .width = 64, .height = 64 },
	};
	struct edu *edu = devm_kzalloc(&pci->dev, sizeof(*edu), GFP_KERNEL);
	int error;

	if (!edu)
		return -ENOMEM;
	edu->pci = pci;
	spin_lock_init(&edu->lock);
	pci_set_drvdata(pci, edu);
	error = edu_setup(edu);
	if (error)
		return error;
	config.priv = edu;
	edu->adapter = grabdma_adapter_register(&config);
	return PTR_ERR_OR_ZERO(edu->adapter);
}

static void edu_remove(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	grabdma_adapter_unregister(edu->adapter);
	grabdma_picture_destroy(&edu->picture);
}

/* An error of the bus: nobody knows what the device does until it has been reset. */
static pci_ers_result_t edu_error_detected(struct pci_dev *pci, pci_channel_state_t state)
{
	struct edu *edu = pci_get_drvdata(pci);

	grabdma_adapter_suspend(edu->adapter);
	return state == pci_channel_io_perm_failure ? PCI_ERS_RESULT_DISCONNECT :
						      PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t edu_slot_reset(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	pci_restore_state(pci);
	pci_save_state(pci);
	return (readl(edu->registers + EDU_ID) & 0xff) == 0xed ? PCI_ERS_RESULT_RECOVERED :
								 PCI_ERS_RESULT_DISCONNECT;
}

static void edu_resume(struct pci_dev *pci)
{
	struct edu *edu = pci_get_drvdata(pci);

	grabdma_adapter_resume(edu->adapter);
}

static const struct pci_error_handlers edu_error_handlers = {
	.error_detected = edu_error_detected,
	.slot_reset = edu_slot_reset,
	.resume = edu_resume,
};

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{}
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = DRIVER_NAME,
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
	.err_handler = &edu_error_handlers,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("grabdma: QEMU's edu device");
MODULE_AUTHOR("The grabfs authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
MODULE_IMPORT_NS(GRABDMA_NAMESPACE);

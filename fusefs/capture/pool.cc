// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/pool.h"

#include <iterator>
#include <utility>

namespace grabfs {

Pool::Pool(uint32_t generation_number, const FrameFormat& frame_format,
           std::vector<std::unique_ptr<Memory>> buffers, Policy policy,
           Ring::OnAvailable on_available)
    : generation(generation_number),
      format(frame_format),
      memory(std::make_move_iterator(buffers.begin()), std::make_move_iterator(buffers.end())),
      notes(memory.size()),
      attachments(memory.size()),
      ring(
          {.slots = static_cast<uint32_t>(memory.size()),
           .policy = policy,
           .probe = [this](uint32_t slot) { return memory[slot]->Probe() != Memory::Usage::kIdle; },
           .on_available = std::move(on_available)}) {}

}  // namespace grabfs

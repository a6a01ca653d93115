// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/ring_client.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "fusefs/base/error.h"

namespace grabfs::bench {
namespace {

UniqueFd OpenPage(const mount_test::Device& device) {
  const std::string readers = device.Path("readers");
  return UniqueFd(
      CheckSyscall(::open(readers.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), readers));
}

}  // namespace

RingClient::RingClient(const mount_test::Device& device)
    : ring_(mount_test::MapAndClose(device.Path("ring"))),
      page_(OpenPage(device).get(), sizeof(grabfs_hold_page), PROT_READ | PROT_WRITE) {
  const int error =
      grabfs_ring_attach(&reader_, ring_.data(), ring_.size(), page_.data(), page_.size());
  if (error != 0) throw Error(-error, "attaching to the ring");
}

}  // namespace grabfs::bench

// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/uvc/usbip.h"

#include <endian.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <numeric>
#include <sstream>
#include <string>

#include "fusefs/base/error.h"
#include "tests/vm/guest/device.h"

namespace grabfs::vm {
namespace {

constexpr char kAttach[] = "/sys/devices/platform/vhci_hcd.0/attach";
constexpr char kStatus[] = "/sys/devices/platform/vhci_hcd.0/status";

enum Command : uint32_t { kSubmit = 1, kUnlink = 2, kRetSubmit = 3, kRetUnlink = 4 };

// A header: big-endian words, whose meaning depends on the command from the sixth on.
using Header = std::array<uint32_t, 12>;
enum Word : size_t {
  kCommand = 0,
  kSeqnum = 1,
  kDirection = 3,
  kEndpoint = 4,
  kSubmitLength = 6,
  kSubmitPackets = 8,
  kSubmitSetup = 10,
  kUnlinkVictim = 5,
  kRetStatus = 5,
  kRetLength = 6,
  kRetPackets = 8,
};
constexpr uint32_t kIn = 1;
// Kernels tell that a request has no packets by 0 or by this.
constexpr uint32_t kNoPackets = 0xffffffff;

// Behind data: one for each packet.
struct Packet {
  uint32_t offset;
  uint32_t length;
  uint32_t actual_length;
  uint32_t status;
};

constexpr char kFree[] = "004";  // VDEV_ST_NULL, as the file `status` prints it

bool IsFree(unsigned port) {
  std::istringstream status(ReadText(kStatus));
  for (std::string line; std::getline(status, line);) {
    std::istringstream fields(line);
    std::string hub;
    std::string number;
    std::string state;
    fields >> hub >> number >> state;
    if (hub == "hs" && std::stoul(number) == port) return state == kFree;
  }
  throw Error(ENOENT, std::string(kStatus) + ": no port " + std::to_string(port));
}

void Append(Bytes& bytes, const void* data, size_t size) {
  const auto* const begin = static_cast<const uint8_t*>(data);
  bytes.insert(bytes.end(), begin, begin + size);
}

void Append(Bytes& bytes, const Header& header) {
  for (const uint32_t word : header) {
    const uint32_t wire = htobe32(word);
    Append(bytes, &wire, sizeof wire);
  }
}

}  // namespace

UsbIp::UsbIp(unsigned port) {
  constexpr int kHighSpeed = 3;  // USB_SPEED_HIGH
  int ends[2];
  CheckSyscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  socket_.reset(ends[0]);
  const UniqueFd host(ends[1]);
  const uint32_t any_device = 1 << 16 | (port + 1);  // bus and number at the other end of a network
  WriteText(kAttach, std::to_string(port) + " " + std::to_string(host.get()) + " " +
                         std::to_string(any_device) + " " + std::to_string(kHighSpeed));
}

void UsbIp::Pull() const { ::shutdown(socket_.get(), SHUT_RDWR); }

void UsbIp::WaitUntilFree(unsigned port) {
  WaitUntil("the port to be free", [port] { return IsFree(port); });
}

std::optional<std::variant<Urb, Unlink>> UsbIp::Read() {
  Header header;
  if (!Receive({reinterpret_cast<uint8_t*>(header.data()), sizeof header})) return std::nullopt;
  Urb urb;
  std::memcpy(urb.setup.data(), &header[kSubmitSetup], urb.setup.size());
  for (uint32_t& word : header) word = be32toh(word);
  if (header[kCommand] == kUnlink) {
    return Unlink{.seqnum = header[kSeqnum], .victim = header[kUnlinkVictim]};
  }
  if (header[kCommand] != kSubmit) throw Error(EPROTO, "vhci_hcd: an unknown command");
  urb.seqnum = header[kSeqnum];
  urb.endpoint = header[kEndpoint];
  urb.in = header[kDirection] == kIn;
  urb.length = header[kSubmitLength];
  if (!urb.in) {
    urb.data.resize(urb.length);
    if (!Receive(urb.data)) return std::nullopt;
  }
  const uint32_t count = header[kSubmitPackets] == kNoPackets ? 0 : header[kSubmitPackets];
  std::vector<Packet> packets(count);
  if (!Receive({reinterpret_cast<uint8_t*>(packets.data()), count * sizeof(Packet)})) {
    return std::nullopt;
  }
  for (const Packet& packet : packets) urb.packets.push_back(be32toh(packet.length));
  return urb;
}

void UsbIp::Complete(const Urb& urb, const Answer& answer) {
  const auto size = static_cast<uint32_t>(urb.in ? answer.data.size() : urb.data.size());
  Header header = {};
  header[kCommand] = kRetSubmit;
  header[kSeqnum] = urb.seqnum;
  header[kRetStatus] = static_cast<uint32_t>(answer.status);
  header[kRetLength] = size;
  header[kRetPackets] = static_cast<uint32_t>(answer.packets.size());
  Bytes message;
  message.reserve(sizeof header + size + urb.packets.size() * sizeof(Packet));
  Append(message, header);
  Append(message, answer.data.data(), answer.data.size());
  uint32_t offset = 0;
  for (size_t i = 0; i < answer.packets.size(); ++i) {
    const Packet packet = {htobe32(offset), htobe32(urb.packets[i]), htobe32(answer.packets[i]), 0};
    Append(message, &packet, sizeof packet);
    offset += urb.packets[i];
  }
  Send(message);
}

void UsbIp::Complete(const Unlink& unlink, bool found) {
  Header header = {};
  header[kCommand] = kRetUnlink;
  header[kSeqnum] = unlink.seqnum;
  header[kRetStatus] = static_cast<uint32_t>(found ? -ECONNRESET : 0);
  Bytes message;
  Append(message, header);
  Send(message);
}

bool UsbIp::Receive(std::span<uint8_t> bytes) const {
  if (bytes.empty()) return true;
  const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_WAITALL);
  return got == static_cast<ssize_t>(bytes.size());
}

void UsbIp::Send(const Bytes& bytes) const {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t more =
        ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (more < 0) return;
    sent += static_cast<size_t>(more);
  }
}

}  // namespace grabfs::vm

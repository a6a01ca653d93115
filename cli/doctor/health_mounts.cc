// SPDX-License-Identifier: Apache-2.0
//
// The mounts' part of `doctor`.
#include "cli/base/text.h"
#include "cli/base/timely_work.h"
#include "cli/doctor/health.h"
#include "cli/mount/mount_table.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

using enum Finding::Severity;

Finding ExamineDataPath(const DeviceStatus& d) {
  if (d.data_path == "passthrough") {
    return {kGood, d.name, "passthrough: readers map the very pages of the buffers, no copy", ""};
  }
  return {kSlow, d.name, d.data_path + ": each frame is copied once (" + d.data_path_reason + ")",
          "passthrough needs Linux 6.9 and a daemon with CAP_SYS_ADMIN"};
}

Finding ExamineHandles(const std::string& mountpoint, const MountStatus& status) {
  if (status.handles) return {kGood, mountpoint, "gives file handles: NFS can export it", ""};
  return {kNote, mountpoint, "gives no file handles: NFS cannot export it",
          "with passthrough that takes -o handles=on, and then every frame that was opened gets "
          "new pages"};
}

// For memory whose pages can be in flight: whether the daemon knows which frames are.
Finding ExamineFlight(const DeviceStatus& d) {
  if (d.in_flight == "seen") {
    return {kGood, d.name, "its memory sees pages on their way, and pins that were left behind",
            ""};
  }
  if (d.in_flight == "watched") {
    return {kGood, d.name, "buffers that were read get new pages, so that what is on its way stays",
            ""};
  }
  return {kSlow, d.name, "which frames are read is not known: all that were opened get new pages",
          "mount without handles=on; else the daemon's log says why fanotify does not work"};
}

Finding ExamineAside(const DeviceStatus& d) {
  return {kNote, d.name,
          Plural(d.buffers.aside, "buffer") +
              " put aside: they wait for memory, or for a program "
              "that has them open for writing",
          "free memory, or close buffers/ in that program"};
}

Finding ExamineMemory(const DeviceStatus& d, uint64_t huge) {
  constexpr uint64_t kHugePage = uint64_t{2} << 20;
  if (d.bytes < kHugePage) return {kGood, d.name, "its frames are smaller than a 2 MiB page", ""};
  const std::string text =
      HumanBytes(huge) + " of " + HumanBytes(d.memory.bytes) + " in 2 MiB pages";
  if (huge > 0) return {kGood, d.name, text, ""};
  return {kSlow, d.name, text + ": a mapping takes more faults",
          "allow huge pages for shared memory, or free memory and mount again"};
}

Finding Ailing(const ExaminedMount& mount) {
  const std::string& mountpoint = mount.mount.mountpoint;
  switch (mount.health) {
    case MountHealth::kClosed:
      return {kNote, mountpoint, mount.problem, "mount it with -o allow_other"};
    case MountHealth::kStale:
      return {kBroken, mountpoint, mount.problem + ", every access fails",
              "grabfs-cli umount --stale"};
    case MountHealth::kSilent:
      return {kBroken, mountpoint, mount.problem + ": every access to it waits",
              "grabfs-cli umount --lazy " + mountpoint};
    default:
      return {kBroken, mountpoint, mount.problem, "unmount it and mount it again"};
  }
}

// Asks for the modes of files: in a process of its own, like what was asked before.
Finding RightsOf(const ExaminedMount& mount) {
  TimelyWork work([&] { return ExamineRights(mount.mount, mount.status.devices.front().name); });
  Finding finding = {kNote, mount.mount.mountpoint, "its daemon does not answer any more", ""};
  try {
    finding.text = work.Await(Deadline::After(3.0)).value_or(finding.text);
  } catch (const Error& error) {
    finding.text = error.what();
  }
  return finding;
}

std::vector<Finding> ExamineLiving(const ExaminedMount& mount) {
  const MountStatus& status = mount.status;
  std::vector<Finding> findings = {{kGood, mount.mount.mountpoint,
                                    "answers: grabfs " + status.version + ", process " +
                                        std::to_string(status.pid) + ", " +
                                        Plural(status.devices.size(), "device"),
                                    ""}};
  if (!status.devices.empty()) findings.push_back(RightsOf(mount));
  findings.push_back(ExamineHandles(mount.mount.mountpoint, status));
  for (const DeviceStatus& device : status.devices) {
    for (Finding& finding : ExamineDevice(device)) findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace

std::string SeverityName(Finding::Severity severity) {
  switch (severity) {
    case kGood:
      return "good";
    case kNote:
      return "note";
    case kSlow:
      return "slow";
    case kBroken:
      return "broken";
  }
  return "";
}

std::vector<Finding> ExamineDevice(const DeviceStatus& d) {
  std::vector<Finding> findings = {ExamineDataPath(d)};
  if (d.data_path == "passthrough") findings.push_back(ExamineFlight(d));
  if (d.buffers.aside > 0) findings.push_back(ExamineAside(d));
  if (d.memory.huge_page_bytes) findings.push_back(ExamineMemory(d, *d.memory.huge_page_bytes));
  if (d.state == "error") {
    findings.push_back({kBroken, d.name, "stands still: " + d.last_error,
                        "grabfs-cli start " + d.name + ", when the cause is gone"});
  }
  if (d.state == "gone") {
    findings.push_back({kBroken, d.name, "is unplugged; its frames stay while they are open",
                        "plug it in again, and close what is open of it"});
  }
  if (d.counters.dropped > 0) {
    findings.push_back({kNote, d.name, Plural(d.counters.dropped, "frame") + " dropped so far",
                        "more buffers (set " + d.name +
                            " buffers_count=N), a lower rate, or readers that hold less"});
  }
  return findings;
}

std::vector<Finding> ExamineMounts(const Context& context) {
  std::vector<Finding> findings;
  for (const ExaminedMount& mount : MountExaminer().Examine(GrabfsMounts(context.system))) {
    if (mount.health != MountHealth::kAlive) {
      findings.push_back(Ailing(mount));
      continue;
    }
    for (Finding& finding : ExamineLiving(mount)) findings.push_back(std::move(finding));
  }
  if (findings.empty()) {
    findings.push_back({kNote, "mounts", "no grabfs is mounted", "grabfs-cli mount DIR"});
  }
  return findings;
}

}  // namespace grabfs::cli

// SPDX-License-Identifier: Apache-2.0
//
// What a machine's owner can do to a device at any moment: unbind it, pull it out, plug it in,
// remove and reload the module. Works for every adapter, because sysfs tells where its device is.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace grabfs::vm {

// Ways to lose a device. Only buses of real devices know the last two; kInjected is the module's
// own GRABDMA_FAULT_UNPLUG.
enum class Loss { kUnbind, kInjected, kRemove, kUnplug };

// "Unbind", as part of a test's name.
std::string LossName(Loss loss);

// Is it one of the ways that only buses of real devices know?
bool IsOfTheBus(Loss loss);

class Device {
 public:
  // The device behind a node such as /dev/grabdma0, which must exist now.
  explicit Device(const std::string& node);

  // Through the bus's sysfs files. Unbind() returns when the driver has let go.
  void Unbind() const;
  void Bind() const;
  [[nodiscard]] bool bound() const;
  // PCI only: the kernel forgets the device, and finds it again.
  [[nodiscard]] bool is_pci() const;
  void Remove() const;
  static void Rescan();

  // PCI only: asks the harness to pull edu0 out of the running machine, and to plug it in again.
  void Unplug() const;
  void Plug() const;

  // Any of these, and the way back, at whose end there is an adapter again.
  void Lose(Loss loss) const;
  void Restore(Loss loss) const;

  [[nodiscard]] bool present() const;

 private:
  std::string device_;  // in /sys/devices
  std::string name_;    // on its bus
  std::string driver_;  // in /sys/bus/BUS/drivers
};

// Waits until an adapter with VM_ADAPTER's name has a node; throws Error(ETIMEDOUT).
void WaitForAdapter();
// Waits until none has.
void WaitForNoAdapter();

// Removes the boards' modules and then the core's, without waiting: 0 or the errno value. When one
// is in use, all are there as before.
int RemoveModule();
// Loads the staged modules with VM_MODULE_PARAMETERS, as load_grabdma does.
void InsertModule();

// Calls `done` every few milliseconds until it is true; throws Error(ETIMEDOUT) that names `what`.
void WaitUntil(const std::string& what, const std::function<bool()>& done,
               std::chrono::seconds patience = std::chrono::seconds(10));

std::string ReadText(const std::string& path);
void WriteText(const std::string& path, const std::string& text);

}  // namespace grabfs::vm

// SPDX-License-Identifier: Apache-2.0
//
// How threads of the daemon start, and where an unexpected exception in them ends.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace grabfs {

// Runs `work`. Whatever it throws is caught, and logged as an internal error of `who`; returns
// false then. For the loops of threads: one task fails, the daemon goes on.
bool CatchAndLog(const std::string& who, const std::function<void()>& work) noexcept;

// Starts a thread with all signals blocked, because SignalWatch receives them. It ends when `work`
// returns or throws. Throws std::system_error when the system has no more threads.
std::thread StartThread(const std::string& who, std::function<void()> work);

}  // namespace grabfs

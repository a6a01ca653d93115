// SPDX-License-Identifier: Apache-2.0
//
// What a guest test is told from outside, by environment variables of its step.
#pragma once

#include <cstdint>
#include <string>

namespace grabfs::vm {

// VM_SEED, which the harness sets: where random tests start from. Printed at the first call.
uint64_t Seed();

// The first node whose adapter is called VM_ADAPTER ("virtual" unless set). Throws Error(ENODEV).
std::string AdapterPath();

// The adapter's name itself.
std::string AdapterName();

// VM_PATIENCE, which the harness sets: multiply every time limit by it.
int PatienceFactor();

// How often to repeat what a test does at random moments: `rounds` times, or VM_REPETITIONS percent
// of them, which the harness sets for kernels on which each takes long. At least once.
int Repetitions(int rounds);

}  // namespace grabfs::vm

// SPDX-License-Identifier: Apache-2.0
//
// How much the picture changes, in C++, by libgrabfs: two frames are held at once, and compared
// where they are.
//
//     c++ -std=c++17 -o difference difference.cc $(pkg-config --cflags --libs libgrabfs)
//     ./difference cam0 100
#include <algorithm>
#include <cstdlib>
#include <grabfs/grabfs.hpp>
#include <iostream>
#include <optional>

static double Difference(const grabfs::Frame& one, const grabfs::Frame& other) {
  const std::size_t size = std::min(one.size(), other.size());
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += std::abs(one.data()[i] - other.data()[i]);
  return sum / static_cast<double>(size);
}

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " DEVICE FRAMES\n";
    return 2;
  }
  grabfs::Device camera(argv[1]);
  std::optional<grabfs::Frame> before;
  for (int left = std::atoi(argv[2]); left > 0;) {
    std::optional<grabfs::Frame> frame = camera.Next();
    if (!frame) continue;
    if (before) std::cout << (*frame)->sequence << ": " << Difference(*before, *frame) << std::endl;
    before = std::move(frame);
    --left;
  }
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}

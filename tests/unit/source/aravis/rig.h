// SPDX-License-Identifier: Apache-2.0
//
// The source aravis as a command line would name it, without a daemon that loads it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "fusefs/source/aravis/aravis.h"

namespace grabfs {

inline std::unique_ptr<Source> MakeAravisFrom(const std::string& text) {
  SourceSpec spec = ParseSourceSpec(text);
  std::unique_ptr<Source> source = MakeAravis(spec);
  EXPECT_TRUE(spec.options.empty()) << "not understood: " << spec.options.begin()->first;
  return source;
}

}  // namespace grabfs

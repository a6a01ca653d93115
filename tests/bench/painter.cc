// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/painter.h"

namespace grabfs::bench {

TestPicture FullHdPicture() { return TestPicture::Make(TEST_PICTURE_BGR4, 1920, 1080).value(); }

}  // namespace grabfs::bench

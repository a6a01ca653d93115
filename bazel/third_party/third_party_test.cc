// SPDX-License-Identifier: Apache-2.0
// Proves that the repositories of bazel/repositories.bzl give what the project counts on: headers
// and libraries of one and the same version, and a libfuse that can do passthrough.

#define FUSE_USE_VERSION 318

#include <fuse_lowlevel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libyuv.h>
#include <png.h>
#include <tiffio.h>
#include <turbojpeg.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using ::testing::StartsWith;

TEST(LibfuseTest, LinkedLibraryIsTheOneOfTheHeaders) {
  const std::string headers =
      std::to_string(FUSE_MAJOR_VERSION) + "." + std::to_string(FUSE_MINOR_VERSION) + ".";
  EXPECT_THAT(fuse_pkgversion(), StartsWith(headers));
}

TEST(LibfuseTest, KnowsPassthrough) {
  EXPECT_GE(FUSE_VERSION, FUSE_MAKE_VERSION(3, 18));
  EXPECT_NE(FUSE_CAP_PASSTHROUGH, 0U);
  int (*const open_backing)(fuse_req_t, int) = &fuse_passthrough_open;
  EXPECT_NE(open_backing, nullptr);
}

TEST(LibfuseTest, MakesASession) {
  fuse_args args = FUSE_ARGS_INIT(0, nullptr);
  ASSERT_EQ(fuse_opt_add_arg(&args, "third_party_test"), 0);
  const fuse_lowlevel_ops operations{};
  fuse_session* const session = fuse_session_new(&args, &operations, sizeof operations, nullptr);
  EXPECT_NE(session, nullptr);
  if (session != nullptr) fuse_session_destroy(session);
  fuse_opt_free_args(&args);
}

TEST(LibpngTest, LinkedLibraryIsTheOneOfTheHeaders) {
  EXPECT_STREQ(png_get_libpng_ver(nullptr), PNG_LIBPNG_VER_STRING);
}

TEST(LibtiffTest, LinkedLibraryIsTheOneOfTheHeaders) {
  EXPECT_THAT(TIFFGetVersion(), StartsWith(std::string(TIFFLIB_VERSION_STR).substr(0, 22)));
}

// Its interface has no version to ask for.
TEST(LibturbojpegTest, MakesACodec) {
  const tjhandle codec = tjInitDecompress();
  EXPECT_NE(codec, nullptr);
  tjDestroy(codec);
}

TEST(LibyuvTest, CopiesAPlane) {
  const uint8_t in[4] = {1, 2, 3, 4};
  uint8_t out[4] = {};
  libyuv::CopyPlane(in, 2, out, 2, 2, 2);
  EXPECT_THAT(out, ::testing::ElementsAreArray(in));
}

TEST(ZlibTest, LinkedLibraryIsTheOneOfTheHeaders) { EXPECT_STREQ(zlibVersion(), ZLIB_VERSION); }

TEST(Cli11Test, ParsesAnOption) {
  CLI::App app;
  int value = 0;
  app.add_option("--value", value);
  app.parse("--value 42");
  EXPECT_EQ(value, 42);
}

TEST(JsonTest, ParsesWhatItPrints) {
  const nlohmann::json written = {{"frames", 3}};
  EXPECT_EQ(nlohmann::json::parse(written.dump()), written);
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
//
// One program of tests/bench/aravis_loops.py: a loop over the frames of a network camera, by Aravis
// alone or by libgrabfs. It looks at a byte of each page, and prints the processor time that it
// took.
//
//     aravis_loop aravis SERIAL RATE WIDTH HEIGHT BUFFERS FRAMES
//     aravis_loop grabfs DEVICE FRAMES
#include <arv.h>
#include <grabfs/grabfs.h>
#include <sys/resource.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kPage = 4096;
constexpr guint64 kPatienceUs = 5'000'000;

uint64_t sum = 0;

void Look(const void* data, size_t bytes) {
  const auto* const byte = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < bytes; i += kPage) sum += byte[i];
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int Print(uint64_t frames, uint64_t lost, double cpu) {
  std::printf("{\"frames\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"cpu\": %.6f, \"sum\": %" PRIu64
              "}\n",
              frames, lost, cpu, sum);
  return 0;
}

int Fail(const char* what) {
  std::fprintf(stderr, "aravis_loop: %s\n", what);
  return 1;
}

// Aravis' own loop, as its documents have it.
int ByAravis(char** words) {
  GError* error = nullptr;
  ArvCamera* const camera = arv_camera_new(words[0], &error);
  if (camera == nullptr) return Fail(error->message);
  arv_camera_set_region(camera, 0, 0, std::atoi(words[2]), std::atoi(words[3]), nullptr);
  arv_camera_set_frame_rate(camera, std::atof(words[1]), nullptr);
  ArvStream* const stream = arv_camera_create_stream(camera, nullptr, nullptr, &error);
  if (stream == nullptr) return Fail(error->message);
  const size_t payload = arv_camera_get_payload(camera, nullptr);
  for (int i = 0; i < std::atoi(words[4]); ++i) {
    arv_stream_push_buffer(stream, arv_buffer_new_allocate(payload));
  }
  arv_camera_start_acquisition(camera, nullptr);
  const long wanted = std::atol(words[5]);
  double begin = 0;
  uint64_t lost = 0;
  uint64_t last = 0;
  for (long frames = -1; frames < wanted; ++frames) {
    ArvBuffer* const buffer = arv_stream_timeout_pop_buffer(stream, kPatienceUs);
    if (buffer == nullptr) return Fail("no frame comes");
    if (frames == -1) begin = CpuSeconds();  // the first one pays for what happens once
    const uint64_t id = arv_buffer_get_frame_id(buffer);
    if (frames >= 0) lost += (id + 65535 - last) % 65535 - 1;
    last = id;
    if (arv_buffer_get_status(buffer) == ARV_BUFFER_STATUS_SUCCESS) {
      size_t bytes = 0;
      const void* const data = arv_buffer_get_data(buffer, &bytes);
      Look(data, bytes);
    } else {
      ++lost;
    }
    arv_stream_push_buffer(stream, buffer);
  }
  const double cpu = CpuSeconds() - begin;
  arv_camera_stop_acquisition(camera, nullptr);
  g_object_unref(stream);
  g_object_unref(camera);
  return Print(static_cast<uint64_t>(wanted), lost, cpu);
}

int ByGrabfs(char** words) {
  grabfs_device* device = nullptr;
  if (grabfs_open(words[0], &device) != 0) return Fail(grabfs_reason());
  const long wanted = std::atol(words[1]);
  double begin = 0;
  uint64_t lost = 0;
  for (long frames = -1; frames < wanted; ++frames) {
    const grabfs_frame* frame = nullptr;
    if (grabfs_each(device, GRABFS_FOR_EVER, &frame) != 0) return Fail(grabfs_reason());
    if (frames == -1) begin = CpuSeconds();
    if (frames >= 0) lost += frame->missed;
    Look(frame->data, frame->bytes);
    grabfs_release(frame);
  }
  const double cpu = CpuSeconds() - begin;
  grabfs_close(device);
  return Print(static_cast<uint64_t>(wanted), lost, cpu);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 8 && std::strcmp(argv[1], "aravis") == 0) return ByAravis(argv + 2);
  if (argc == 4 && std::strcmp(argv[1], "grabfs") == 0) return ByGrabfs(argv + 2);
  return Fail("see the source for how it is called");
}

// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/aravis.h"

#include <optional>

#include "fusefs/source/aravis/glib.h"
#include "fusefs/source/aravis/source.h"
#include "fusefs/source/options.h"

namespace grabfs {

std::unique_ptr<Source> MakeAravis(SourceSpec& spec) {
  const AravisOptions options = TakeAravisOptions(spec);
  const FormatRequest request = TakeFormatOptions(spec);
  const std::optional<Rate> rate = TakeRateOption(spec);
  const WithoutSignals aravis_has_threads;
  auto source = std::make_unique<AravisSource>(std::make_shared<AravisCamera>(spec.argument),
                                               options, request);
  if (rate) source->SetRate(*rate);
  return source;
}

}  // namespace grabfs

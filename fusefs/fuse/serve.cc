// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/serve.h"

#include <cerrno>
#include <new>
#include <string>

#include "fusefs/base/log.h"

namespace grabfs {

int CodeOf(std::exception_ptr failure) {
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const Error& error) {
    return error.code();
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (const std::exception& error) {
    LogError(std::string("internal error: ") + error.what());
    return EIO;
  }
}

fuse_entry_param ToEntryParam(const Entry& entry) {
  fuse_entry_param param = {};
  param.ino = entry.attr.stat.st_ino;
  param.attr = entry.attr.stat;
  param.attr_timeout = entry.attr.timeout;
  param.entry_timeout = entry.timeout;
  return param;
}

}  // namespace grabfs

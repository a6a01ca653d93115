// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/error.h"

#include <cerrno>
#include <new>
#include <system_error>

namespace grabfs {

std::string ErrnoText(int code) { return std::generic_category().message(code); }

Error ErrorFrom(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return {ENOMEM, "out of memory"};
  } catch (const std::exception& error) {
    return {EIO, std::string("internal error: ") + error.what()};
  } catch (...) {
    return {EIO, "internal error: something unknown was thrown"};
  }
}

void ThrowErrno(const std::string& what) {
  const int code = errno;
  throw Error(code, what + ": " + ErrnoText(code));
}

}  // namespace grabfs

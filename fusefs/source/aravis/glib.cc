// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/glib.h"

#include <cerrno>

namespace grabfs {
namespace {

int DeviceErrorCode(int code) {
  switch (code) {
    case ARV_DEVICE_ERROR_NOT_CONNECTED:
    case ARV_DEVICE_ERROR_NOT_FOUND:
      return ENODEV;
    case ARV_DEVICE_ERROR_TIMEOUT:
      return ETIMEDOUT;
    case ARV_DEVICE_ERROR_NOT_CONTROLLER:
    case ARV_DEVICE_ERROR_PROTOCOL_ERROR_BUSY:
      return EBUSY;
    case ARV_DEVICE_ERROR_FEATURE_NOT_FOUND:
      return ENOENT;
    case ARV_DEVICE_ERROR_PROTOCOL_ERROR_WRITE_PROTECT:
    case ARV_DEVICE_ERROR_PROTOCOL_ERROR_ACCESS_DENIED:
      return EACCES;
    case ARV_DEVICE_ERROR_INVALID_PARAMETER:
    case ARV_DEVICE_ERROR_PROTOCOL_ERROR_INVALID_PARAMETER:
      return EINVAL;
    default:
      return EIO;
  }
}

int FeatureErrorCode(int code) {
  switch (code) {
    case ARV_GC_ERROR_OUT_OF_RANGE:
    case ARV_GC_ERROR_ENUM_ENTRY_NOT_FOUND:
    case ARV_GC_ERROR_INVALID_SYNTAX:
      return EINVAL;
    case ARV_GC_ERROR_READ_ONLY:
      return EACCES;
    default:
      return EIO;
  }
}

}  // namespace

int GErrorSlot::code() const {
  if (!failed()) return 0;
  if (error_->domain == ARV_DEVICE_ERROR) return DeviceErrorCode(error_->code);
  if (error_->domain == ARV_GC_ERROR) return FeatureErrorCode(error_->code);
  return EIO;
}

}  // namespace grabfs

// SPDX-License-Identifier: Apache-2.0
//
// How sharp a picture is, as a number to turn a lens by.
#pragma once

#include "fusefs/picture/image.h"

namespace grabfs::view {

// The variance of the Laplacian in the middle ninth of a grey image, in values of 8 bits. It is
// largest in focus. Only numbers of the same scene can be compared. Pure function.
double Sharpness(const Image& grey);

}  // namespace grabfs::view

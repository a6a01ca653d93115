#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Any camera in OpenCV: the frames are its matrices, and need the right conversion only.

    opencv.py CAMERA [PICTURE.png]     a window until a key is pressed, or one picture
"""

import sys

import cv2
import grabfs

CONVERSIONS = {
    "GREY": cv2.COLOR_GRAY2BGR,
    "Y16": cv2.COLOR_GRAY2BGR,
    "RGB3": cv2.COLOR_RGB2BGR,
    "BGR4": cv2.COLOR_BGRA2BGR,
    "XR24": cv2.COLOR_BGRA2BGR,
    "YUYV": cv2.COLOR_YUV2BGR_YUYV,
    "UYVY": cv2.COLOR_YUV2BGR_UYVY,
    "YVYU": cv2.COLOR_YUV2BGR_YVYU,
    "NV12": cv2.COLOR_YUV2BGR_NV12,
    "YU12": cv2.COLOR_YUV2BGR_I420,
}


def to_bgr(frame):
    """Returns a frame as OpenCV shows and writes it."""
    info = frame.info
    if info.format == "BGR3":
        return frame
    if info.format in ("MJPG", "JPEG"):
        return cv2.imdecode(frame, cv2.IMREAD_COLOR)
    if info.bayer:  # OpenCV's older names begin in the second row and column: RGGB is BayerBG
        return cv2.cvtColor(frame, getattr(cv2, f"COLOR_Bayer{info.bayer}2BGR"))
    if info.format in CONVERSIONS:
        return cv2.cvtColor(frame, CONVERSIONS[info.format])
    return cv2.cvtColor(frame.rgb(), cv2.COLOR_RGB2BGR)  # as the mount converts it


def main(camera, picture=None):
    with grabfs.Camera(camera) as cam:
        if picture:
            cv2.imwrite(picture, to_bgr(cam.newest()))
            return
        for frame in cam:
            cv2.imshow(cam.name, to_bgr(frame))
            if cv2.waitKey(1) >= 0:
                return


if __name__ == "__main__":
    main(*sys.argv[1:])

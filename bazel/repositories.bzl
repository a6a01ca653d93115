# SPDX-License-Identifier: Apache-2.0
"""Every repository outside this one, declared once for WORKSPACE and MODULE.bazel."""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
load("//bazel:busybox.bzl", "busybox_repository")
load("//bazel:kernel.bzl", "kernel_repository")
load("//bazel:libfuse_version.bzl", "LIBFUSE_SHA256", "LIBFUSE_VERSION")
load("//bazel:system_package.bzl", "system_package")

def grabfs_repositories():
    """Declares the libraries that grabfs is built and tested with."""
    http_archive(
        name = "libfuse",
        build_file = Label("//bazel/third_party:libfuse.BUILD.bazel"),
        sha256 = LIBFUSE_SHA256,
        strip_prefix = "fuse-%s" % LIBFUSE_VERSION,
        url = "https://github.com/libfuse/libfuse/releases/download/fuse-{0}/fuse-{0}.tar.gz".format(
            LIBFUSE_VERSION,
        ),
    )
    system_package(
        name = "aravis",
        build_file = Label("//bazel/third_party:aravis.BUILD.bazel"),
        debian_package = "libaravis-dev",
        headers = ["glibconfig.h"],
        links = {
            "aravis": "aravis-0.8",
            "glib-2.0": "glib-2.0",
        },
        optional = "The source aravis (package grabfs-aravis)",
        pkg_config = "aravis-0.8",
    )
    system_package(
        name = "cli11",
        build_file = Label("//bazel/third_party:cli11.BUILD.bazel"),
        debian_package = "libcli11-dev",
        headers = ["CLI"],
    )
    system_package(
        name = "nlohmann_json",
        build_file = Label("//bazel/third_party:nlohmann_json.BUILD.bazel"),
        debian_package = "nlohmann-json3-dev",
        headers = ["nlohmann"],
    )
    system_package(
        name = "googletest",
        build_file = Label("//bazel/third_party:googletest.BUILD.bazel"),
        debian_package = "googletest",
        links = {
            "googlemock": "/usr/src/googletest/googlemock",
            "googletest": "/usr/src/googletest/googletest",
        },
    )
    system_package(
        name = "gstreamer",
        build_file = Label("//bazel/third_party:gstreamer.BUILD.bazel"),
        debian_package = "libgstreamer-plugins-base1.0-dev",
        headers = [
            "glib",
            "glib-object.h",
            "glib.h",
            "glibconfig.h",
            "gobject",
            "gst",
        ],
        pkg_config = "gstreamer-video-1.0",
    )
    system_package(
        name = "libpng",
        build_file = Label("//bazel/third_party:libpng.BUILD.bazel"),
        debian_package = "libpng-dev",
        links = {
            "png.h": "libpng16/png.h",
            "pngconf.h": "libpng16/pngconf.h",
            "pnglibconf.h": "libpng16/pnglibconf.h",
        },
    )
    system_package(
        name = "libtiff",
        build_file = Label("//bazel/third_party:libtiff.BUILD.bazel"),
        debian_package = "libtiff-dev",
        headers = [
            "tiff.h",
            "tiffconf.h",
            "tiffio.h",
            "tiffvers.h",
        ],
    )
    system_package(
        name = "libturbojpeg",
        build_file = Label("//bazel/third_party:libturbojpeg.BUILD.bazel"),
        debian_package = "libturbojpeg0-dev",
        headers = ["turbojpeg.h"],
    )
    system_package(
        name = "libyuv",
        build_file = Label("//bazel/third_party:libyuv.BUILD.bazel"),
        debian_package = "libyuv-dev",
        headers = [
            "libyuv",
            "libyuv.h",
        ],
    )
    system_package(
        name = "ncurses",
        build_file = Label("//bazel/third_party:ncurses.BUILD.bazel"),
        debian_package = "libncurses-dev",
        headers = [
            "curses.h",
            "ncurses.h",
            "ncurses_dll.h",
            "unctrl.h",
        ],
    )
    system_package(
        name = "v4l2loopback",
        build_file = Label("//bazel/third_party:v4l2loopback.BUILD.bazel"),
        debian_package = "v4l2loopback-source",
        links = {"v4l2loopback.tar.bz2": "/usr/src/v4l2loopback.tar.bz2"},
    )
    system_package(
        name = "xcb",
        build_file = Label("//bazel/third_party:xcb.BUILD.bazel"),
        debian_package = "libxcb1-dev, libxcb-keysyms1-dev, libxcb-render0-dev and libxcb-shm0-dev",
        headers = [
            "xcb/render.h",
            "xcb/shm.h",
            "xcb/xcb.h",
            "xcb/xcb_keysyms.h",
            "xcb/xproto.h",
        ],
    )
    system_package(
        name = "zlib",
        build_file = Label("//bazel/third_party:zlib.BUILD.bazel"),
        debian_package = "zlib1g-dev",
        headers = [
            "zconf.h",
            "zlib.h",
        ],
    )
    busybox_repository(name = "busybox")
    kernel_repository("6.1")
    kernel_repository("6.12")
    kernel_repository("newest")
    kernel_repository("debug", fetch_with = "tools/debug-kernel.sh")

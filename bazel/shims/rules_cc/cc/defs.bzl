# SPDX-License-Identifier: Apache-2.0
"""Stands in for rules_cc under WORKSPACE: Bazel 4 to 7 still have the C++ rules built in.

Debian's Bazel embeds no rules_cc and the one it packages does not load in 4.2.3, so this
repository gives the built-in rules the names that our BUILD files and Bazel's own tools load.
Under MODULE.bazel the real rules_cc takes its place.
"""

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library

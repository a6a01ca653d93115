# SPDX-License-Identifier: Apache-2.0
"""Stands in for rules_java under WORKSPACE.

There is no Java in this project, but Bazel's own http.bzl and test tools load these names
before anything of ours is built.
"""

java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain

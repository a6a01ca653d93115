#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tour in a virtual machine: the kernel module, real DMA, and the very same physical page. Needs
# no privilege and no /dev/kvm, and leaves nothing behind. (`tools/demo.sh --vm` calls this.)
#
#   tools/demo-vm.sh [SERIES]        kernel 6.12, or another one that tests run on

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

readonly name=tour_${1:-6.12}

"$root/tools/setup.sh" --for vm
cd "$root"
build_opt "//tests/vm:${name//./_}"
say "starting a machine with kernel ${1:-6.12} (about 10 seconds)"
"$(opt_bin)/tests/vm/${name//./_}.sh" --interactive

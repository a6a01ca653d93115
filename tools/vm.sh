#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A virtual machine with the module, grabfs and its command line in it, by hand.
#
#   tools/vm.sh                         a shell in it (leave with `exit`, or Ctrl-A X)
#   tools/vm.sh --kernel 6.1 [OPTION]   the same on another kernel; 6.12 is the default
#   tools/vm.sh NAME [OPTION]           runs the test //tests/vm:NAME, e.g. abi_6_12, and shows all
#
# OPTION is one of tests/vm/harness/run_vm.py, e.g. --memory 2G.

# shellcheck source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

main() {
  local name=shell_6_12 options=(--interactive)
  case ${1:-} in
    --kernel)
      [ $# -ge 2 ] || die "--kernel takes a series, e.g. 6.12"
      name=shell_${2//./_}
      shift 2
      ;;
    '' | -*) ;;
    *)
      name=$1 options=()
      shift
      ;;
  esac
  "$root/tools/setup.sh" --for vm
  cd "$root"
  build_opt "//tests/vm:$name"
  exec "$(opt_bin)/tests/vm/$name.sh" "${options[@]}" "$@"
}

main "$@"

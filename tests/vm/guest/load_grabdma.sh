#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# load_grabdma [PARAMETER...]: the staged module and its boards, loaded anew. `inject=1` is a parameter
# of the core, `virtual.count=2` one of the virtual board. There are virtual boards where the machine has
# no edu device or a parameter speaks of them; no parameters: those in VM_MODULE_PARAMETERS.

# shellcheck disable=SC2086  # parameters are several words
[ $# -gt 0 ] || set -- ${VM_MODULE_PARAMETERS:-}
words=" $* "

# of NAME: the parameters of that board, or of the core without a name.
of() {
  for word in $words; do
    case ${word%%=*} in
      *.*) [ "${word%%.*}" = "${1:-}" ] && echo "${word#*.}" ;;
      *) [ $# = 0 ] && echo "$word" ;;
    esac
  done
}

for module in grabdma_virtual grabdma_edu grabdma; do
  [ ! -e /sys/module/$module ] || rmmod $module || exit
done
# shellcheck disable=SC2046  # as above
insmod /lib/modules/grabdma.ko $(of) || exit
if grep -q 0x11e8 /sys/bus/pci/devices/*/device; then
  # shellcheck disable=SC2046  # as above
  insmod /lib/modules/grabdma_edu.ko $(of edu) || exit
  [ -n "$(of virtual)" ] || exit 0
fi
# shellcheck disable=SC2046  # as above
insmod /lib/modules/grabdma_virtual.ko $(of virtual)

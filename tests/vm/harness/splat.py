# SPDX-License-Identifier: Apache-2.0
"""Knows what a kernel prints when something is wrong with it.

Headlines only: a call trace by itself follows harmless things too, such as an OOM kill that a test
provokes, or sysrq's list of blocked tasks.
"""

import re

_SPLAT = re.compile(
    r"BUG:|kernel BUG at|WARNING: |Oops|Kernel panic|KASAN:|UBSAN:|KFENCE:"
    r"|general protection fault|unable to handle"
    r"|possible (?:circular|recursive|irq lock inversion|deadlock|\S+ unsafe)"
    r"|inconsistent lock state|suspicious RCU usage|INFO: (?:task|rcu)|rcu_\S+ self-detected"
    r"|soft lockup|hard LOCKUP|refcount_t:|ODEBUG:|DMA-API: |DMAR: \[DMA|DMAR: DRHD: handling fault"
    r"|unreferenced object 0x|page allocation failure|Bad page state|list_(?:add|del) corruption"
    r"|sleeping function called|scheduling while atomic|nobody cared|stack-protector:"
)

# Said at boot by healthy kernels.
_HARMLESS = re.compile(
    r"DMA-API: preallocated|DMA-API: debugging enabled"
    r"|loading out-of-tree module|module verification failed"
)


def is_splat(console_line: str, allowed: re.Pattern[str] | None = None) -> bool:
    if not _SPLAT.search(console_line) or _HARMLESS.search(console_line):
        return False
    return allowed is None or not allowed.search(console_line)

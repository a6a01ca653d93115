#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Suites that nobody here wrote, on a buffer and on a file of alloc/, on both data paths. A tmpfs is the
# oracle: what passes there has to pass here, unless differences.txt names the difference, which
# docs/differences.md explains. `tools/test.sh suites` runs it; needs root.
#
#   run.sh [SUITE...]    all, or these:
#
#   fio   with each of its engines that reads and writes files, and verifies what it has written
#   fsx   of xfstests, out of a folder where it has been built: GRABFS_XFSTESTS (…/ltp/fsx)
#
# A suite that is not there is said, and does not count as passed.

# shellcheck source=../../tools/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../tools/lib/common.sh"

readonly here=$root/tests/suites
readonly bytes=1048576
# Of one case: each takes seconds, but for the time that a machine does something else.
readonly patience=120
readonly places=(tmpfs passthrough-buffer passthrough-alloc cached-buffer cached-alloc)

# --- Places

start() {
  local path
  mkdir "$scratch/tmpfs"
  mount -t tmpfs tmpfs "$scratch/tmpfs"
  for path in passthrough cached; do
    mkdir "$scratch/$path"
    "$(opt_bin)/fusefs/main/grabfs" --device cam0=pattern,format=GREY,width=1024,height=1024,state=stopped \
      -o "passthrough=$([ $path = cached ] && echo off || echo auto)" "$scratch/$path"
    grep -q "\"data_path\": \"$path\"" "$scratch/$path/status.json" ||
      die "the data path $path is not to be had here"
  done
}

stop() {
  local path
  for path in tmpfs passthrough cached; do umount "$scratch/$path" || true; done
  rm -rf --one-file-system -- "$scratch"
}

file_at() { # PLACE
  case $1 in
    tmpfs) echo "$scratch/tmpfs/file" ;;
    *-buffer) echo "$scratch/${1%-buffer}/cam0/buffers/000.raw" ;;
    *-alloc) echo "$scratch/${1%-alloc}/alloc/file" ;;
  esac
}

# --- Suites: each prints its cases, a name and a command for which $FILE is the file.

fio_cases() {
  local engine rw options
  options="--size=$bytes --overwrite=1 --allow_file_create=0 --verify=crc32c --do_verify=1 --verify_fatal=1 --minimal"
  for engine in sync psync vsync pvsync pvsync2 mmap libaio io_uring posixaio splice; do
    for rw in write randwrite; do
      echo "$engine-$rw fio --name=x --filename=\$FILE --ioengine=$engine --rw=$rw --bs=4k --iodepth=8 $options"
      echo "$engine-$rw-odd fio --name=x --filename=\$FILE --ioengine=$engine --rw=$rw --bsrange=512-65536 --bs_unaligned=1 --verify_interval=512 $options"
      # Neither goes past the page cache.
      [ $engine = mmap ] || [ $engine = splice ] ||
        echo "$engine-$rw-direct fio --name=x --filename=\$FILE --ioengine=$engine --rw=$rw --bs=4k --iodepth=8 --direct=1 $options"
    done
  done
  for rw in readwrite randrw; do
    echo "threads-$rw fio --name=x --filename=\$FILE --ioengine=psync --thread --numjobs=4 --offset_increment=256k --size=256k --rw=$rw --bs=4k --overwrite=1 --allow_file_create=0 --verify=pattern --verify_pattern=%o --minimal"
  done
}

# -L: the size stays. -E: no copy_file_range. -H -z -C -I: no holes, which tmpfs has and we do not.
fsx_cases() {
  local seed name options
  local -A kinds=(
    [fixed]="-L -F -E -H -z -C -I"
    [fixed-reads]="-L -F -E -H -z -C -I -R -W"
    [fixed-reopened]="-L -F -E -H -z -C -I -c 20"
    [fixed-flushed]="-L -F -E -H -z -C -I -f -y"
    [fixed-direct]="-L -F -E -H -z -C -I -Z -R -W -r 4096 -w 4096"
    [growing]="-E -H -z -C -I"
    [growing-reopened]="-E -H -z -C -I -c 20"
    [copying]="-H -z -C -I"
  )
  for name in "${!kinds[@]}"; do
    for seed in 1 2 3; do
      options=${kinds[$name]}
      echo "$name-$seed $GRABFS_XFSTESTS/ltp/fsx -q -S $seed -N 2000 -l $bytes -P . $options \$FILE"
    done
  done
}

cases() { # SUITE: its cases, or a failure with the reason why there are none
  case $1 in
    fio) command -v fio >/dev/null || { echo "fio is not installed" && return 1; } ;;
    fsx) [ -x "${GRABFS_XFSTESTS:-}/ltp/fsx" ] || { echo "GRABFS_XFSTESTS names no folder with ltp/fsx" && return 1; } ;;
  esac
  "$1_cases"
}

# --- Running

# Prints "passed" or "failed" for each case, in their order.
run_at() { # PLACE SUITE
  local place=$1 suite=$2 name command file
  file=$(file_at "$place")
  while read -r name command; do
    # fsx compares the size that it has found with what it wants.
    [[ $place = *-buffer ]] || { rm -f "$file" && truncate --size=$bytes "$file"; }
    # Where programs look for a place to write.
    if (cd "$scratch/work-$place" && FILE=$file timeout $patience sh -c "$command") \
      >"$scratch/$place.$suite.$name" 2>&1 </dev/null; then
      echo "$name passed"
    else
      echo "$name failed"
    fi
  done <"$scratch/$suite.cases" >"$scratch/$place.$suite"
}

# Prints the difference that explains why a case fails at a place; nothing when there is none.
difference() { # SUITE CASE PLACE
  local suite case place name
  while read -r suite case place name; do
    # shellcheck disable=SC2053  # they are patterns
    if [ "$suite" = "$1" ] && [[ $2 = $case ]] && [[ $3 = $place ]]; then
      echo "$name"
      return
    fi
  done < <(grep -v '^#' "$here/differences.txt")
}

# Compares a place with the oracle, and prints a row of the table.
judge() { # PLACE SUITE
  local place=$1 suite=$2 name outcome oracle why passed=0 explained=0 wrong=0
  while read -r name oracle outcome; do
    why=$(difference "$suite" "$name" "$place")
    case $oracle-$outcome-${why:+explained} in
      passed-passed-) passed=$((passed + 1)) ;;
      passed-failed-explained) explained=$((explained + 1)) ;;
      failed-failed-*) ;;
      *)
        wrong=$((wrong + 1))
        echo "WRONG: $suite $name: $outcome on $place, $oracle on tmpfs${why:+, expected: $why}"
        tail --lines=5 "$scratch/$place.$suite.$name" | sed 's/^/       /'
        ;;
    esac
  done < <(paste -d ' ' "$scratch/tmpfs.$suite" <(cut -d ' ' -f 2 "$scratch/$place.$suite"))
  printf '%-6s %-20s %4d passed, %3d differ as documented, %3d wrong\n' \
    "$suite" "$place" "$passed" "$explained" "$wrong"
  [ $wrong -eq 0 ] || result=1
}

# Differences are those of the document.
check_reasons() {
  local name
  while read -r _ _ _ name; do
    grep -qiF -- "$name" "$root/docs/differences.md" || die "docs/differences.md does not explain '$name'"
  done < <(grep -v '^#' "$here/differences.txt")
}

main() {
  local suite place result=0 ran=0
  [ "$(id -u)" -eq 0 ] || die "needs root: data path passthrough"
  check_reasons
  build_opt //fusefs:grabfs
  scratch=$(mktemp -d)
  trap stop EXIT
  start
  for place in "${places[@]}"; do mkdir "$scratch/work-$place"; done
  [ $# -gt 0 ] || set -- fio fsx
  for suite in "$@"; do
    if ! cases "$suite" >"$scratch/$suite.cases"; then
      printf '%-6s not run: %s\n' "$suite" "$(<"$scratch/$suite.cases")"
      continue
    fi
    ran=$((ran + 1))
    # Beside each other: each waits most of its time.
    for place in "${places[@]}"; do run_at "$place" "$suite" & done
    wait
    printf '%-6s %-20s %4d passed of %d\n' "$suite" tmpfs \
      "$(grep -c ' passed' "$scratch/tmpfs.$suite")" "$(wc -l <"$scratch/$suite.cases")"
    for place in "${places[@]:1}"; do judge "$place" "$suite"; done
  done
  [ $ran -gt 0 ] || die "there is no suite"
  return $result
}

main "$@"

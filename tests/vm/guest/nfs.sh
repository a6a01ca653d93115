#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nfs: the kernel's NFS server exports a mount to two clients, version 4.2 and version 3, each in a network
# namespace of its own. Runs in the files of the machine that QEMU runs on (in_host_files), for its rpc.mountd.
# While the device captures, they read for GRABFS_TEST_SECONDS (10). Prints TAP.
set -e
exec 3>&1 >&2

number=0
ok() {
  number=$((number + 1))
  echo "ok $number - $1" >&3
}
fail() {
  number=$((number + 1))
  echo "not ok $number - $1" >&3
}
check() { # NAME COMMAND...: what the command says, decides
  what=$1
  shift
  if "$@"; then ok "$what"; else fail "$what"; fi
}

serve() {
  mount -t tmpfs tmpfs /var/lib/nfs
  mkdir -p /var/lib/nfs/v4recovery /var/lib/nfs/sm /run/rpcbind
  touch /var/lib/nfs/etab /var/lib/nfs/rmtab /var/lib/nfs/xtab
  ip link set lo up
  mount -t nfsd nfsd /proc/fs/nfsd
  rpcbind -w || rpcbind
  # fsid: a FUSE file system has no identity of its own.
  exportfs -o rw,fsid=0,no_subtree_check,no_root_squash,insecure "10.9.0.0/16:$1"
  rpc.mountd
  # Clients may begin at once: there is nothing from before that they might reclaim.
  rpc.nfsd --no-udp --grace-time 10 --lease-time 10 4
}

# A client's end of a cable: its namespace is called as what it mounts is.
connect() { # CLIENT NUMBER: the server is 10.9.NUMBER.1
  ip netns add "$1"
  ip link add "at-$1" type veth peer name eth0 netns "$1"
  ip addr add "10.9.$2.1/24" dev "at-$1"
  ip link set "at-$1" up
  ip -n "$1" addr add "10.9.$2.2/24" dev eth0
  ip -n "$1" link set eth0 up
}
mount_at() { # CLIENT OPTIONS WHAT
  nsenter --net="/run/netns/$1" mount -t nfs -o "$2" "$3" "/run/$1"
}

names() { # DIRECTORY
  find "$1" -name '*.raw' -printf '%f\n' | sort
}

next_frame() { # its number
  sed -n 's/.*"next": \([0-9]*\).*/\1/p' /run/cam/cam0/status.json
}

same_frames() { # CLIENT: the frames that it lists are those of the server
  [ "$(names "$1/cam0/frames")" = "$(names /run/cam/cam0/frames)" ] || return 1
  for frame in "$1"/cam0/frames/*.raw; do
    cmp "$frame" "/run/cam/cam0/frames/${frame##*/}" || return 1
  done
}

triggers() { # CLIENT
  before=$(next_frame)
  echo 4 >"$1/cam0/trigger" || return 1
  for _ in $(seq 100); do
    [ "$(next_frame)" -ge $((before + 4)) ] && return 0
    sleep 0.1
  done
  return 1
}

# A frame that is open at a client, when the server has forgotten all, and the frame's turn has come.
that_frame_or_stale() { # CLIENT
  frame=$(names "$1/cam0/frames" | tail -1)
  cp "/run/cam/cam0/frames/$frame" /tmp/expected
  exec 4<"$1/cam0/frames/$frame"
  echo 3 >/proc/sys/vm/drop_caches
  echo 40 >/run/cam/cam0/trigger
  sleep 2
  echo 3 >/proc/sys/vm/drop_caches
  if cat <&4 >/tmp/got 2>/tmp/error; then
    cmp /tmp/got /tmp/expected
  else
    grep -q Stale /tmp/error
  fi
  result=$?
  exec 4<&-
  return $result
}

memory() { # CLIENT: a file of alloc/ is made, written, read and removed
  dd if=/dev/urandom of=/tmp/data bs=4096 count=30 2>/dev/null &&
    cp /tmp/data "$1/alloc/from-client" &&
    cmp /tmp/data /run/cam/alloc/from-client &&
    cmp /tmp/data "$1/alloc/from-client" &&
    rm "$1/alloc/from-client" && [ ! -e /run/cam/alloc/from-client ]
}

books_close() {
  echo stop >/run/cam/cam0/state
  sleep 1
  python3 - <<'END'
import json
status = json.load(open("/run/cam/cam0/status.json"))
c = status["counters"]
assert c["captured"] == sum(c[k] for k in ("delivered", "recycled", "dropped", "failed", "present")), status
END
}

# While the device streams. What a client gets is the frame of that name, or there is none.
readers_keep_up() { # CLIENT...
  echo 20 >/run/cam/cam0/rate
  echo start >/run/cam/cam0/state
  readers=
  for client in "$@"; do
    remote_reader "$client/cam0" "${GRABFS_TEST_SECONDS:-10}" >&3 &
    readers="$readers $!"
  done
  result=0
  for reader in $readers; do
    wait "$reader" || result=1
  done
  return $result
}

mkdir -p /run/cam /run/v4 /run/v3
grabfs=$(command -v grabfs)
$grabfs --device cam0=pattern,format=GREY,width=640,height=480,rate=0,buffers=16,state=stopped \
  -o handles=on,allow_other /run/cam
connect v4 4
connect v3 3
echo 8 >/run/cam/cam0/trigger
sleep 1
serve /run/cam
check "a client mounts it by version 4.2" mount_at v4 vers=4.2 10.9.4.1:/
check "a client mounts it by version 3" mount_at v3 vers=3,nolock,tcp 10.9.3.1:/run/cam
for client in /run/v4 /run/v3; do
  check "$client: frames" same_frames $client
  check "$client: trigger" triggers $client
  check "$client: alloc" memory $client
  check "$client: that frame or ESTALE" that_frame_or_stale $client
  check "$client: frames, later" same_frames $client
done
check "readers beside capture" readers_keep_up /run/v4 /run/v3
check "the books" books_close
umount /run/v4 /run/v3
rpc.nfsd 0
exportfs -ua
check "the mount can be unmounted" umount /run/cam
echo "1..$number" >&3

# SPDX-License-Identifier: Apache-2.0
# Makes unpacked packages of a kernel usable where they lie: they expect to be installed, on the suite
# that they were built for. To be sourced after common.sh.
# shellcheck shell=bash

# Prints the packages of the programs that the kernel in $1 wants for building modules and that this
# machine has not: the compiler that its headers name, and, for kernels that ask sparse whether it
# understands them, a sparse that does.
tools_wanted() {
  local tree=$1 headers compiler
  headers=$(echo "$tree"/usr/src/linux-headers-*-"$(dpkg --print-architecture)")
  compiler=$(sed -n 's/^CC = .*(CROSS_COMPILE)\(gcc-[0-9]*\)$/\1/p' "$headers/.kernelvariables")
  if ! type -P "$compiler" >/dev/null; then
    echo "$compiler-$(dpkg-architecture --query DEB_HOST_MULTIARCH | tr _ -)"
  fi
  if grep -q checker-valid "$tree"/usr/src/linux-headers-*-common/Makefile &&
    ! checker_is_valid sparse; then
    echo sparse
  fi
}

# Whether the checker understands what headers of Linux 6.15 and later say.
checker_is_valid() {
  local output
  output=$("$@" - <<<'int f(const int *q); int f(const int *q) { __typeof_unqual__(*q) v = *q; return v; }' 2>&1)
  [[ $output != *error* ]]
}

# The headers' Makefile names other folders by the path where the packages would be installed. The
# kernel's type information beside it would make every module build ask for pahole; modules load
# without.
_relocate_headers() {
  local tree=$1 final=$2
  rm -f "$tree"/usr/src/linux-headers-*/vmlinux
  sed -i "s|\([ =]\)/usr/src/|\1$final/usr/src/|" "$tree"/usr/src/linux-headers-*/Makefile
}

# Debian's packages lack the script by which a kernel asks whether its checker will do; without it the
# checker is silently not called.
_add_checker_script() {
  local tree=$1 scripts
  for scripts in "$tree"/usr/lib/linux-kbuild-*/scripts; do
    [ ! -e "$scripts/checker-valid.sh" ] || continue
    printf '#!/bin/sh\n# tools_wanted has looked whether the checker will do.\necho 1\n' \
      >"$scripts/checker-valid.sh"
    chmod +x "$scripts/checker-valid.sh"
  done
}

# Has programs that this machine cannot start, for want of a newer C library, started by the loader of
# their own suite.
_wrap_foreign_programs() {
  local tree=$1 final=$2 program loader libraries
  loader=$(cd "$tree" && echo usr/lib64/ld-linux-*.so.2)
  [ -e "$tree/$loader" ] || return 0
  find "$tree"/usr/bin "$tree"/usr/libexec "$tree"/usr/lib/linux-kbuild-* -type f -perm /111 |
    while read -r program; do
      [ "$(head -c 4 "$program")" = $'\177ELF' ] || continue
      libraries=$(ldd "$program" 2>&1 || :)
      [[ $libraries == *"not found"* ]] || continue
      mv "$program" "$program.elf"
      cat >"$program" <<SCRIPT
#!/bin/sh
exec "$final/$loader" --argv0 "\$0" --library-path "$final/usr/lib/$(dpkg-architecture --query DEB_HOST_MULTIARCH)" \\
  "$final${program#"$tree"}.elf" "\$@"
SCRIPT
      chmod +x "$program"
    done
}

# Gives the parts of an unpacked kernel names that do not change with its version.
_name_parts() {
  local tree=$1 release
  # Later kernels are packaged for a merged /usr.
  [ -e "$tree/lib" ] || ln -s usr/lib "$tree/lib"
  release=$(basename "$tree"/lib/modules/*)
  if [ -e "$tree/boot/vmlinuz-$release" ]; then
    ln -s "boot/vmlinuz-$release" "$tree/vmlinuz"
  else
    ln -s "lib/modules/$release/vmlinuz" "$tree/vmlinuz"
  fi
  ln -s "usr/src/linux-headers-$release" "$tree/headers"
  ln -s "lib/modules/$release" "$tree/modules"
  /sbin/depmod -b "$tree" "$release"
  printf '%s\n' "$release" >"$tree/release"
}

# Makes the kernel that is unpacked in $1 ready to be moved to $2.
finish_kernel_tree() {
  _relocate_headers "$1" "$2"
  _add_checker_script "$1"
  _wrap_foreign_programs "$1" "$2"
  _name_parts "$1"
}

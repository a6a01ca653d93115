# SPDX-License-Identifier: Apache-2.0
# Packages of other Debian suites, without touching the machine's own package system: a private
# apt state over the mirror that the machine already uses. apt verifies the suite's signature with
# Debian's own keyring. To be sourced after common.sh.
# shellcheck shell=bash

# Prints the base of the mirror that carries this machine's Debian, and of its security archive:
# $1 is `main` or `security`. Both styles of sources files, snapshots and local mirrors are apt's
# business: it is asked for what it reads. Removable media are no use for other suites.
debian_mirror() {
  local kind=$1 codename
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  # shellcheck disable=SC2016  # apt expands these, not the shell
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v kind="$kind" -v codename="$codename" '
      $3 != "main" || $1 ~ /^(cdrom|copy):/ { next }
      { release = $2 }
      kind == "security" { if (!sub(/-security$/, "", release)) next }
      release ~ /^(oldoldstable|oldstable|stable|testing|unstable|sid)$/ || release == codename {
        print $1
        exit
      }'
}

# Makes `private_apt` ready to read the given sources, each "deb SUITE" or "deb-src SUITE"; a
# suite that ends in -security is read from the security archive. State lies in directory $1. Fails
# when the mirror does not have what is asked for.
private_apt_open() {
  local state=$1 main security type suite uri
  shift
  main=$(debian_mirror main)
  [ -n "$main" ] || die "the apt sources of this machine name no Debian mirror"
  security=$(debian_mirror security)
  mkdir -p "$state/lists/partial" "$state/archives/partial"
  : >"$state/sources.list"
  for source in "$@"; do
    read -r type suite <<<"$source"
    uri=$main
    if [[ $suite == *-security ]]; then
      [ -n "$security" ] || continue
      uri=$security
    fi
    printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
      "$type" "$uri" "$suite" >>"$state/sources.list"
  done
  private_apt_state=$state
  private_apt apt-get update --quiet=2 && return
  say "cannot read the package lists of ${*#* } from $main"
  return 1
}

# Options of private_apt for callers who can do with less than apt asks for, or want more.
private_apt_options=()

# Runs an apt program on the private state.
private_apt() {
  local program=$1
  shift
  "$program" \
    -o Dir::Etc::sourcelist="$private_apt_state/sources.list" \
    -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null \
    -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State="$private_apt_state" \
    -o Dir::State::status=/dev/null \
    -o Dir::Cache="$private_apt_state" \
    -o APT::Sandbox::User=root \
    "${private_apt_options[@]}" \
    "$@"
}

# Sourced by ./berth, tests/run and tests/guest/*: finds or installs what they need on Debian and Ubuntu. Not a program of its own.

# Packages beyond the JDK that a build needs, and those that only the tests use.
berth_build_packages="maven gcc make libc6-dev linux-libc-dev"
berth_test_packages="crun busybox-static docker-registry skopeo umoci user-mode-linux kmod strace jq iproute2 tmux attr xz-utils debootstrap clang libclang-rt-14-dev"

berth_say() { printf 'berth: %s\n' "$*" >&2; }

# Is NAME's package installed? (dpkg-query answers in a few milliseconds, apt does not)
berth_has() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed$'; }

# berth_install PACKAGE...: installs those that are missing, or says in one line what to install.
berth_install() {
  local missing=() p
  for p in "$@"; do
    case $p in
      maven) command -v mvn >/dev/null && continue ;;
      gcc | make | clang) command -v "$p" >/dev/null && continue ;;
    esac
    berth_has "$p" || missing+=("$p")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    berth_say "missing: ${missing[*]}. As root on Debian or Ubuntu: apt-get install ${missing[*]}"
    return 1
  fi
  berth_say "installing ${missing[*]}"
  if ! { [ -n "${berth_apt_updated:-}" ] || apt-get update -qq >/dev/null 2>&1; } \
    || ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/tmp/berth-apt.$$ 2>&1; then
    tail -n 5 /tmp/berth-apt.$$ >&2
    rm -f /tmp/berth-apt.$$
    berth_say "apt-get could not install: ${missing[*]}"
    return 1
  fi
  berth_apt_updated=1
  rm -f /tmp/berth-apt.$$
}

# The feature number of the JDK at $1, or 0.
berth_jdk_version() {
  [ -x "$1/bin/javac" ] || { echo 0; return; }
  local v
  v=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null)
  echo "${v:-0}"
}

# Sets and exports JAVA_HOME to a JDK >= 25: the caller's own, or the newest that is installed, or apt's.
berth_find_jdk() {
  local home best= version
  if [ -n "${JAVA_HOME:-}" ] && [ "$(berth_jdk_version "$JAVA_HOME")" -ge 25 ]; then
    export JAVA_HOME
    return 0
  fi
  for home in /usr/lib/jvm/* /opt/java/* /opt/jdk*; do
    version=$(berth_jdk_version "$home")
    if [ "$version" -ge 25 ] && { [ -z "$best" ] || [ "$version" -gt "$(berth_jdk_version "$best")" ]; }; then best=$home; fi
  done
  if [ -z "$best" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && berth_apt_updated=1; } >/dev/null 2>&1
    local p
    for p in openjdk-25-jdk-headless temurin-25-jdk; do
      if apt-cache show "$p" >/dev/null 2>&1; then
        berth_install "$p" && berth_find_jdk && return 0
      fi
    done
  fi
  if [ -z "$best" ]; then
    berth_say "no JDK 25 or newer found: install one (package openjdk-25-jdk-headless or temurin-25-jdk) or set JAVA_HOME to it"
    return 1
  fi
  JAVA_HOME=$best
  export JAVA_HOME
}

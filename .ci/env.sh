# Sourced by ./berth and tests/run: finds a JDK and Maven, installs what is missing, builds what is stale.
# Callers set berth_root to the top of the checkout. Everything that is printed goes to standard error.

berth_java_floor=25
# What the build itself needs, as Debian package:command.
berth_build_packages=(maven:mvn gcc:gcc make:make libc6-dev:/usr/include/stdio.h linux-libc-dev:/usr/include/linux/bpf.h)
# What the tests need beyond that. A test whose package is missing is a failure of tests/run, not a skip.
berth_test_packages=(
    crun:crun busybox-static:/bin/busybox docker.io:docker docker-registry:docker-registry skopeo:skopeo umoci:umoci
    user-mode-linux:linux.uml kmod:modprobe iproute2:ip clang:clang libclang-rt-14-dev:/usr/lib/llvm-14 strace:strace jq:jq zstd:zstd
    debootstrap:debootstrap tmux:tmux qemu-system-x86:qemu-system-x86_64 cpio:cpio)

berth_die() {
    echo "berth: $*" >&2
    exit 125
}

# Prints the major version of the JDK in $1, read from its release file (starting java to ask would cost 50 ms).
berth_jdk_major() {
    local line
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    while read -r line; do
        case $line in JAVA_VERSION=*)
            line=${line#JAVA_VERSION=\"}
            line=${line%%[!0-9]*}
            echo "$line"
            return 0
            ;;
        esac
    done <"$1/release"
    return 1
}

# Sets JAVA_HOME to a JDK of at least the floor: the caller's, else the newest below the usual folders.
berth_find_jdk() {
    local dir major best=0 home=
    if [ -n "${JAVA_HOME:-}" ] && major=$(berth_jdk_major "$JAVA_HOME") && [ "$major" -ge "$berth_java_floor" ]; then
        return 0
    fi
    for dir in /usr/lib/jvm/* /opt/jdk* /opt/java/*; do
        [ -r "$dir/release" ] || continue
        major=$(berth_jdk_major "$dir") || continue
        if [ "$major" -ge "$berth_java_floor" ] && [ "$major" -gt "$best" ]; then
            best=$major
            home=$dir
        fi
    done
    [ -n "$home" ] || return 1
    export JAVA_HOME=$home
}

berth_have() {
    case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ;;
    esac
}

berth_has_candidate() {
    local policy
    policy=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null) || return 1
    case $policy in *"Candidate: (none)"* | "") return 1 ;; esac
}

# Installs Debian packages, or says in one line which are missing.
berth_install() {
    local log
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        berth_die "missing: $*; as root on Debian or Ubuntu: apt-get install $*"
    fi
    echo "berth: installing $*" >&2
    log=$(mktemp)
    if ! { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" ||
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; }; } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        berth_die "could not install $*; install them by hand"
    fi
    rm -f "$log"
}

# Installs the packages of a list of package:command pairs whose command is missing.
berth_need() {
    local pair missing=()
    for pair in "$@"; do
        berth_have "${pair#*:}" || missing+=("${pair%%:*}")
    done
    [ ${#missing[@]} = 0 ] || berth_install "${missing[@]}"
}

berth_need_jdk() {
    berth_find_jdk && return 0
    local package
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        berth_has_candidate "openjdk-$berth_java_floor-jdk-headless" || apt-get update -q >/dev/null 2>&1 || true
        for package in "openjdk-$berth_java_floor-jdk-headless" "temurin-$berth_java_floor-jdk"; do
            if berth_has_candidate "$package"; then
                berth_install "$package"
                berth_find_jdk && return 0
            fi
        done
    fi
    berth_die "no JDK $berth_java_floor or newer found: install openjdk-$berth_java_floor-jdk, or Eclipse Temurin $berth_java_floor (package temurin-$berth_java_floor-jdk), or set JAVA_HOME"
}

berth_need_build_tools() {
    berth_need_jdk
    berth_need "${berth_build_packages[@]}"
}

berth_need_test_tools() {
    berth_need_build_tools
    berth_need "${berth_test_packages[@]}"
}

# Maven with the right JDK; quiet unless it fails.
berth_mvn() {
    mvn -q -B "$@"
}

# Sets berth_jvm_flags from the one place where they are written down.
berth_read_jvm_flags() {
    local line
    berth_jvm_flags=()
    while read -r line; do
        case $line in "<berth.jvm.flags>"*)
            line=${line#<berth.jvm.flags>}
            read -r -a berth_jvm_flags <<<"${line%</berth.jvm.flags>}"
            return 0
            ;;
        esac
    done <"$berth_root/pom.xml"
    berth_die "no berth.jvm.flags in $berth_root/pom.xml"
}

berth_stamp=agent-runtime/target/berth.stamp

berth_is_stale() {
    [ -e "$berth_root/$berth_stamp" ] || return 0
    [ -n "$(cd "$berth_root" && find pom.xml .mvn native-bindings isolators containerizer gpu master-lite agent-runtime \
        -name target -prune -o -newer "$berth_stamp" -print -quit)" ]
}

# Builds the agent, the master and the command line when a source is newer than the last build.
berth_build() {
    berth_is_stale || return 0
    berth_need_build_tools
    (
        cd "$berth_root"
        mkdir -p agent-runtime/target
        # Two command lines at once build once: the second finds nothing stale under the lock.
        exec 9>agent-runtime/target/berth.lock
        flock 9
        berth_is_stale || exit 0
        echo "berth: building (a minute or two the first time)" >&2
        started=$(mktemp agent-runtime/target/started.XXXXXX)
        log=agent-runtime/target/berth-build.log
        if ! berth_mvn -Dfast -DskipTests -pl agent-runtime,master-lite/server -am package >"$log" 2>&1 9>&-; then
            tail -n 40 "$log" >&2
            rm -f "$started"
            berth_die "the build failed; all of it is in $berth_root/$log"
        fi
        # What runs is a copy: an agent lives on while the next build rewrites Maven's jars under it. Copies that no process names are removed.
        run=$(mktemp -d agent-runtime/target/run.XXXXXX)
        # mktemp's is closed to others: what root has built here, everybody may run.
        chmod 755 "$run"
        cp agent-runtime/target/berth-agent-runtime-*[0-9].jar agent-runtime/target/lib/*.jar "$run/"
        # Apart: cp refuses to write a jar twice that both need.
        cp master-lite/server/target/berth-master-*[0-9].jar master-lite/server/target/lib/*.jar "$run/"
        for old in agent-runtime/target/run.*; do
            [ "$old" = "$run" ] || grep -qsF "$berth_root/$old/" /proc/[0-9]*/cmdline || rm -rf "$old"
        done
        # The stamp names the copy and has the time of the start: what was edited during the build is stale again.
        echo "$run" >"$berth_stamp.new"
        touch -r "$started" "$berth_stamp.new"
        mv "$berth_stamp.new" "$berth_stamp"
        rm -f "$started"
        berth_link_ahead
    ) || exit $?
}

# Sets berth_class_path, berth_aot_cache for the command line and berth_daemon_cache for agents and masters.
berth_set_class_path() {
    local run
    read -r run <"$berth_root/$berth_stamp"
    berth_class_path="$berth_root/$run/*"
    berth_aot_cache="$berth_root/$run/cli.aot"
    berth_daemon_cache="$berth_root/$run/daemon.aot"
}

# Sets berth_flags for a verb; after berth_read_jvm_flags and berth_set_class_path.
berth_choose_flags() {
    local i
    if [ "$1" = agent ] || [ "$1" = master ]; then
        # They live for months, and what an agent does for a start it does often: it is compiled after a tenth of the usual number of calls.
        berth_flags=("${berth_jvm_flags[@]}" -XX:+UseSerialGC -XX:CompileThresholdScaling=0.1)
        # Linked ahead, so that their first task does not wait for a thousand classes.
        [ ! -e "${berth_daemon_cache:-}" ] || berth_flags+=("-XX:AOTCache=$berth_daemon_cache")
        return
    fi
    # A command line lives for milliseconds and wants a small, simple JVM whose classes are linked already. Opening a module to Agrona, which only the agent uses, would switch half of that off.
    berth_flags=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData)
    for ((i = 0; i < ${#berth_jvm_flags[@]}; i++)); do
        if [ "${berth_jvm_flags[i]}" = --add-exports ]; then
            i=$((i + 1))
        else
            berth_flags+=("${berth_jvm_flags[i]}")
        fi
    done
    [ ! -e "$berth_aot_cache" ] || berth_flags+=("-XX:AOTCache=$berth_aot_cache")
}

# Prints the main class of a verb. The command line does not know the master's server: only the start scripts know both.
berth_main_class() {
    case $1 in
    master) echo dev.berth.master.MasterMain ;;
    *) echo dev.berth.agent.cli.Berth ;;
    esac
}

# Links classes ahead for the copy that the stamp names: the command line's from one run of it, those of agents and masters by loading them. Without it all is the same, only slower.
berth_link_ahead() {
    berth_read_jvm_flags
    berth_set_class_path
    berth_choose_flags version
    "$JAVA_HOME/bin/java" "${berth_flags[@]}" -Xlog:disable "-XX:AOTCacheOutput=$berth_aot_cache" -cp "$berth_class_path" \
        dev.berth.agent.cli.Berth version >/dev/null 2>&1 || true
    berth_choose_flags agent
    "$JAVA_HOME/bin/java" "${berth_flags[@]}" -Xlog:disable "-XX:AOTCacheOutput=$berth_daemon_cache" -cp "$berth_class_path" \
        dev.berth.agent.LinkAhead >/dev/null 2>&1 || true
}

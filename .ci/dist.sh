# Sourced by ./berth for `berth dist`: packs everything that a bare x86-64 Linux machine needs, a Java runtime included, into one archive.

berth_dist_help() {
    cat <<'H'
Usage: berth dist [-o FILE]

Packs Berth with a Java runtime of its own into one archive that runs on an x86-64 Linux machine with neither JDK nor registry.

  -o FILE   where to write it (default: berth-VERSION-linux-x86_64.tar.gz in the working directory)

On the other machine, as root:
  tar xf berth-*.tar.gz && berth-*/bin/berth quickstart
  berth-*/bin/gpu-host-check        checks the GPUs of that machine end to end
H
}

# The script that starts a role, with the flags of this build.
berth_dist_script() {
    local cache=$1
    cat <<S
#!/bin/sh
# Starts Berth from its own folder; nothing else of the machine is needed.
home=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
main=$(berth_main_class "")
case \${1:-} in
agent)
    flags="$berth_dist_agent_flags"
    ;;
master)
    flags="$berth_dist_agent_flags"
    main=$(berth_main_class master)
    ;;
*)
    flags="$berth_dist_cli_flags"
    [ ! -e "\$home/lib/$cache" ] || flags="\$flags -XX:AOTCache=\$home/lib/$cache"
    ;;
esac
exec "\$home/runtime/bin/java" \$flags -Xlog:disable "-Xlog:all=warning,aot*=off,cds*=off:stderr" -cp "\$home/lib/*" \$main "\$@"
S
}

berth_dist() {
    local out= version name tree work
    while [ $# -gt 0 ]; do
        case $1 in
        -o)
            [ $# -gt 1 ] || berth_die "dist: -o needs a file name"
            out=$2
            shift 2
            ;;
        -h | --help)
            berth_dist_help
            return 0
            ;;
        *) berth_die "dist: unknown argument '$1'; see berth dist --help" ;;
        esac
    done
    [ "$(uname -m)" = x86_64 ] || berth_die "dist: packs for x86-64 and must run on it, this is $(uname -m)"
    [ -x "$JAVA_HOME/bin/jlink" ] || berth_die "dist: $JAVA_HOME has no jlink; install a full JDK $berth_java_floor"
    version=$(sed -n 's|^  <version>\(.*\)</version>|\1|p' "$berth_root/pom.xml" | head -n 1)
    name=berth-$version-linux-x86_64
    out=${out:-$name.tar.gz}
    # Read before the class path is set to its own jars: the flags of both roles without any cache of the checkout.
    berth_aot_cache= berth_daemon_cache=
    berth_choose_flags agent
    berth_dist_agent_flags="${berth_flags[*]}"
    berth_choose_flags ""
    berth_dist_cli_flags="${berth_flags[*]}"
    work=$(mktemp -d)
    tree=$work/$name
    mkdir -p "$tree/bin"
    if ! "$JAVA_HOME/bin/java" "$berth_root/.ci/Dist.java" "$(dirname "${berth_class_path}")" "$tree" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        rm -rf "$work"
        berth_die "dist: could not lay out the archive"
    fi
    berth_dist_script cli.aot >"$tree/bin/berth"
    printf '#!/bin/sh\n# Checks the GPUs of this machine end to end.\nexec "$(dirname "$(readlink -f "$0")")/berth" gpu-host-check "$@"\n' >"$tree/bin/gpu-host-check"
    chmod 755 "$tree/bin/berth" "$tree/bin/gpu-host-check"
    cp "$berth_root/LICENSE" "$berth_root/README.md" "$berth_root/CHANGELOG.md" "$tree/"
    # Last: the cache is only right beside the very jars and runtime that it was made from.
    "$tree/runtime/bin/java" ${berth_dist_cli_flags} -Xlog:disable "-XX:AOTCacheOutput=$tree/lib/cli.aot" -cp "$tree/lib/*" \
        dev.berth.agent.cli.Berth version >/dev/null 2>&1 || true
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1763769600 -C "$work" -cf - "$name" | gzip -9n >"$out" || {
        rm -rf "$work"
        berth_die "dist: could not write $out"
    }
    rm -rf "$work"
    echo "$out: $(($(stat -c %s "$out") / 1024 / 1024)) MiB"
}

# Everything between a bare Debian or Ubuntu machine and a working .venv. Sourced by run, test and check.
#
#   set_up run [test] [dev]   system packages, pjproject, .venv with the project (editable) and those extras
#
# Each part leaves a stamp of what it was made from, so that a second call finds nothing to do in a few
# milliseconds. Long output goes to a log; only one line a stage is shown.

# shellcheck source=scripts/console.bash
. "$ROOT/scripts/console.bash"

readonly VENV=$ROOT/.venv
readonly LOG=$CACHE/logs/setup.log
readonly OLDEST_PYTHON=3.11

readonly BUILD_PACKAGES=(build-essential pkg-config patch xz-utils bzip2 curl ca-certificates dpkg-dev libssl-dev
    libsrtp2-dev libopus-dev libspeex-dev libspeexdsp-dev libgsm1-dev uuid-dev libbcg729-dev liburing-dev)
readonly RUN_PACKAGES=(espeak-ng)
readonly TEST_PACKAGES=(sip-tester baresip-core iproute2)

set_up() {
    if ! is_current "$@"; then
        mkdir -p "$CACHE/logs"
        # One at a time in a checkout; the lock ends with the braces, before anything is exec'd.
        {
            flock --nonblock 8 || { say 'waiting for the set-up that is running'; flock 8; }
            is_current "$@" || { : >"$LOG"; set_up_all "$@"; }
        } 8<"$ROOT"
    fi
}

set_up_all() {
    install_packages "$@"
    create_venv
    "$ROOT/scripts/build-pjproject" || exit 1
    install_project "$@"
}

# --- Stamps ------------------------------------------------------------------------------------------

digest() {
    sha256sum | cut -c 1-16
}

# What decides the dependencies, and what decides the compiled engine.
dependencies_digest() {
    cat "$ROOT/pyproject.toml" "$ROOT/scripts/setup.bash" "$VENV/pyvenv.cfg" 2>/dev/null | digest
}

engine_digest() {
    {
        cat "$ROOT/pyproject.toml" "$VENV/pyvenv.cfg" "$ROOT/CMakeLists.txt"
        find "$ROOT/src/callwright/engine" \( -name '*.cpp' -o -name '*.hpp' -o -name '*.h' \) -print0 |
            LC_ALL=C sort -z | xargs -0 cat
        "$ROOT/scripts/build-pjproject" --prefix
    } 2>/dev/null | digest
}

stamped() {
    [ -f "$VENV/.stamp-$1" ] && [ "$(<"$VENV/.stamp-$1")" = "$2" ]
}

# is_current SET... - whether nothing is left to do for these sets.
is_current() {
    local wanted dependencies
    [ -x "$VENV/bin/callwright" ] && "$ROOT/scripts/build-pjproject" --prefix >/dev/null 2>&1 || return 1
    dependencies=$(dependencies_digest)
    for wanted in "$@"; do
        stamped "$wanted" "$dependencies" || return 1
    done
    stamped engine "$(engine_digest)"
}

# --- System packages ---------------------------------------------------------------------------------

install_packages() {
    local wanted=("${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}") extra missing
    for extra in "$@"; do
        [ "$extra" != test ] || wanted+=("${TEST_PACKAGES[@]}")
    done
    if ! command -v dpkg-query >/dev/null; then
        say "this is no Debian or Ubuntu; the equivalents of these packages are taken as given: ${wanted[*]}"
        return
    fi
    mapfile -t missing < <(absent "${wanted[@]}"; python_packages)
    [ "${#missing[@]}" -eq 0 ] || apt_install "${missing[@]}"
    case " $* " in
        *' test '*)
            unpack fail2ban usr/bin/fail2ban-regex fail2ban
            unpack kamailio usr/sbin/kamailio kamailio kamailio-tls-modules
            ;;
    esac
}

# unpack NAME PROGRAM PACKAGE... - programs of packages that are not to be installed: fail2ban would begin to guard this
# machine, kamailio to serve SIP.
unpack() {
    local name=$1 program=$2 stage=$CACHE/$1.new
    shift 2
    [ ! -x "$CACHE/$name/$program" ] || return 0
    say "$name: unpacking it"
    rm -rf -- "$stage"
    mkdir -p "$stage/packages"
    if (cd "$stage/packages" && apt_download "$@") &&
        unpack_into "$stage" "$stage"/packages/*.deb &&
        rm -rf -- "$stage/packages" "$CACHE/${name:?}"; then
        mv -T -- "$stage" "$CACHE/$name"
    else
        rm -rf -- "$stage"
        say "$name: cannot be downloaded; its tests will say so"
    fi
}

# apt_download PACKAGE... - into this directory; with the lists fetched anew when they do not know one.
apt_download() {
    local update=(apt-get update)
    [ "$(id -u)" -eq 0 ] || update=(sudo -n "${update[@]}")
    logged "$LOG" apt-get download "$@" || { logged "$LOG" "${update[@]}" && logged "$LOG" apt-get download "$@"; }
}

# unpack_into DIRECTORY FILE...
unpack_into() {
    local directory=$1 file
    shift
    for file in "$@"; do
        dpkg-deb -x "$file" "$directory" || return 1
    done
}

# absent PACKAGE... - those that are not installed.
absent() {
    local installed
    # shellcheck disable=SC2016 # the format is dpkg's
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p') || true
    printf '%s\n' "$@" | grep -vxF "${installed:-none}" || true
}

# What the system's interpreter lacks for making environments and compiling extensions.
python_packages() {
    local python version
    if ! python=$(find_python); then
        command -v python3 >/dev/null || printf '%s\n' python3 python3-venv python3-dev
        return 0
    fi
    "$python" -c 'import ensurepip, os, sysconfig, venv
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null && return 0
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    printf '%s\n' "python$version-venv" "python$version-dev"
}

apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
            fail "packages are missing; as root run: apt-get update && apt-get install -y --no-install-recommends $*"
        fi
        apt=(sudo "${apt[@]}")
    fi
    say "system packages: installing $*"
    # The lists are fetched anew only when they do not know a package or name a version that is gone.
    "${apt[@]}" install -y --no-install-recommends "$@" >>"$LOG" 2>&1 </dev/null ||
        { logged "$LOG" "${apt[@]}" update && logged "$LOG" "${apt[@]}" install -y --no-install-recommends "$@"; } ||
        fail "apt-get could not install: $* (log: $LOG)"
}

# --- Python ------------------------------------------------------------------------------------------

# find_python - prints an interpreter that is new enough: $PYTHON, python3, or the newest python3.N.
find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c "import sys; sys.exit(sys.version_info < (${OLDEST_PYTHON/./, }))" 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

create_venv() {
    local python
    if "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    python=$(find_python) || fail "Python $OLDEST_PYTHON or newer is needed, this machine has \
$(python3 --version 2>&1 || echo none): install one and name it, for example PYTHON=python3.11 $0"
    say "environment: .venv with $("$python" --version)"
    logged "$LOG" "$python" -m venv --clear "$VENV" || fail "the environment could not be created (log: $LOG)"
    pip_install 'pip' --upgrade pip
}

# pip_install LABEL ARGUMENT...
pip_install() {
    local label=$1
    shift
    "$VENV/bin/python" -m pip install --no-input --disable-pip-version-check "$@" >>"$LOG" 2>&1 </dev/null &
    watched "$LOG" "$label" last_line || fail "$label: pip install failed (log: $LOG)"
}

last_line() {
    tail -n 1 -- "$LOG" | cut -c 1-70
}

build_requirements() {
    "$VENV/bin/python" -c 'import sys, tomllib
with open(sys.argv[1], "rb") as file:
    print(*tomllib.load(file)["build-system"]["requires"], sep="\n")' "$ROOT/pyproject.toml"
}

# The engine is compiled without build isolation: the same paths each time let CMake compile only what changed.
install_project() {
    local digest wanted stale='' extras requirements
    digest=$(dependencies_digest)
    for wanted in "$@"; do
        stamped "$wanted" "$digest" || stale+=,$wanted
    done
    stale=${stale#,}
    if [ -n "$stale" ]; then
        say "dependencies: installing for ${stale//,/, }"
        mapfile -t requirements < <(build_requirements)
        pip_install dependencies "${requirements[@]}" cmake ninja
    fi
    say 'engine: compiling'
    CALLWRIGHT_PJPROJECT=$("$ROOT/scripts/build-pjproject" --prefix)
    export CALLWRIGHT_PJPROJECT
    # "run" is the project itself and not an extra, the other sets are.
    extras=$(sed -E 's/(^|,)run(,|$)//' <<<"$stale")
    pip_install engine --no-build-isolation --editable "$ROOT${extras:+[$extras]}"
    for wanted in "$@"; do
        echo "$digest" >"$VENV/.stamp-$wanted"
    done
    engine_digest >"$VENV/.stamp-engine"
}

# The engine with a sanitizer in it, and an interpreter that loads it. Sourced by check, never run.
#
#   sanitize address|thread [PYTEST OPTIONS]
#
# Engine and pjproject are compiled into a folder of their own in the cache. The package there is a tree of links to
# this checkout with the other engine in it; its interpreter is .venv's, with the sanitizer's runtime preloaded.

# The programs of native/ and fuzz/ have sanitizers of their own.
readonly SANITIZED_SUITES=(tests/engine tests/sip tests/integration --ignore=tests/engine/test_native.py
    --ignore=tests/engine/test_fuzzing.py)

sanitize() {
    local kind=$1 where prefix status=0
    shift
    where=$CACHE/sanitize/$kind-$(realpath "$ROOT" | digest)
    mkdir -p "$where"
    LOG_OF_KIND=$where/build.log
    : >"$LOG_OF_KIND"
    prefix=$(sanitized_pjproject "$kind") || fail "pjproject could not be built for the $kind sanitizer"
    say "$kind sanitizer: compiling the engine"
    logged "$LOG_OF_KIND" sanitized_engine "$kind" "$where" "$prefix" || return 1
    rm -rf -- "$where/reports"
    sanitized_package "$where" && "$VENV/bin/python" -m tests.engine.sanitized_interpreter "$kind" "$where" || return 1
    say "$kind sanitizer: testing"
    [ $# -gt 0 ] || set -- "${SANITIZED_SUITES[@]}"
    CALLWRIGHT_TEST_TIMEOUT_SCALE=${CALLWRIGHT_TEST_TIMEOUT_SCALE:-$(slowdown "$kind")} \
        sanitized_tests "$where" "$@" || status=1
    "$VENV/bin/python" -m tests.engine.sanitizer_reports "$where/reports" || status=1
    return "$status"
}

# Many tests are of audio in real time, and the sanitizers cost several times the CPU: what fails beside the others has
# to pass alone. What the sanitizer has said in any of the runs stands.
sanitized_tests() {
    local where=$1 pytest
    shift
    pytest=("$where/bin/python" -m pytest --timeout 900 -o "cache_dir=$where/pytest-cache")
    rm -rf -- "$where/pytest-cache"
    "${pytest[@]}" -n auto "$@" && return
    [ -s "$where/pytest-cache/v/cache/lastfailed" ] || return 1
    say 'again, one at a time'
    "${pytest[@]}" --last-failed --last-failed-no-failures none "$@"
}

# What tests may take longer, for waiting on events that come late.
slowdown() {
    case $1 in
    address) echo 3 ;;
    thread) echo 6 ;;
    esac
}

sanitized_pjproject() {
    # UBSan is for our own sources: what C allows pjproject to do is its authors' affair.
    export PJPROJECT_FLAGS="-O1 -fno-omit-frame-pointer -fsanitize=$1"
    "$ROOT/scripts/build-pjproject" >&2 && "$ROOT/scripts/build-pjproject" --prefix
}

sanitized_engine() (
    local kind=$1 where=$2
    export CALLWRIGHT_PJPROJECT=$3
    PATH=$VENV/bin:$PATH
    [ "$kind" != address ] || kind=address,undefined
    # A release build would be stripped of its symbols.
    cmake -S "$ROOT" -B "$where/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPython_EXECUTABLE="$VENV/bin/python" \
        -DCALLWRIGHT_SANITIZE="$kind" && cmake --build "$where/build"
)

sanitized_package() {
    local where=$1
    rm -rf -- "$where/package"
    mkdir "$where/package" && cp -as "$(realpath "$ROOT")/src/callwright" "$where/package/" &&
        cp "$where"/build/_engine.*.so "$where/package/callwright/engine/"
}

# What the scripts say while they work, one line a stage, and where the rest goes. Sourced, never run.

# Downloads, builds and logs. Bash finds the home of a user whose environment does not tell it.
# shellcheck disable=SC2034 # read by the scripts that source this one
readonly CACHE=${CALLWRIGHT_CACHE:-${XDG_CACHE_HOME:-${HOME:-$(cd ~ && pwd)}/.cache}/callwright}

say() {
    printf '== %s\n' "$*" >&2
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# tail_of LOG - the end of a log that explains a failure, and where the rest is.
tail_of() {
    printf -- '-- last lines of %s\n' "$1" >&2
    tail -n 20 -- "$1" >&2
}

# logged LOG COMMAND... - runs the command with its output in LOG; on failure shows the log's end.
logged() {
    local log=$1 status=0
    shift
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail_of "$log"
    fi
    return "$status"
}

# watched LOG LABEL COUNT - waits for the last background job while COUNT (a command that prints "done/total"
# or a word) tells how far it is: on a terminal every second in place, elsewhere a line every 10 s.
watched() {
    local log=$1 label=$2 job=$! seconds=0 status=0
    shift 2
    while kill -0 "$job" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        if [ -t 2 ]; then
            printf '\r== %s: %s, %d s ' "$label" "$("$@")" "$seconds" >&2
        elif [ $((seconds % 10)) -eq 0 ]; then
            say "$label: $("$@"), $seconds s"
        fi
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
    wait "$job" || status=$?
    if [ "$status" -ne 0 ]; then
        tail_of "$log"
    fi
    return "$status"
}

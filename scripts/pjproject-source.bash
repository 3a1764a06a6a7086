# Where pjproject's source comes from, verified before use. Sourced by build-pjproject, never run.
#
# In this order: $PJPROJECT_SOURCE (a tarball or a directory, trusted as given); the upstream release, by
# checksum; the pjproject component of Debian's asterisk source package, by the archive's signature. Each
# function sets SOURCE_TARBALL or SOURCE_TREE and SOURCE_NAME, or returns 1 and says why.

# shellcheck disable=SC2034 # the variables are read by the script that sources this one

readonly PJPROJECT_VERSION=2.17
readonly PJPROJECT_SHA256=04b2eb1f0f01aa0ad1945b167171843448a51aa6b7c3e806496d434f13a112b7
readonly PJPROJECT_FOLDER=https://raw.githubusercontent.com/asterisk/third-party/master/pjproject/$PJPROJECT_VERSION
readonly PJPROJECT_TARBALL=pjproject-$PJPROJECT_VERSION.tar.bz2
readonly DEBIAN_SUITE=sid

SOURCE_TARBALL='' SOURCE_TREE='' SOURCE_NAME=''

find_source() {
    local downloads=$1
    mkdir -p "$downloads"
    if [ -n "${PJPROJECT_SOURCE:-}" ]; then
        given_source
    else
        upstream_source "$downloads" || debian_source "$downloads" ||
            fail "no source of pjproject can be reached: set PJPROJECT_SOURCE to a tarball or directory of it"
    fi
}

given_source() {
    if [ -d "$PJPROJECT_SOURCE" ]; then
        SOURCE_TREE=$PJPROJECT_SOURCE
    elif [ -f "$PJPROJECT_SOURCE" ]; then
        SOURCE_TARBALL=$PJPROJECT_SOURCE
    else
        fail "PJPROJECT_SOURCE names no file or directory: $PJPROJECT_SOURCE"
    fi
    SOURCE_NAME=$PJPROJECT_SOURCE
}

upstream_source() {
    local tarball=$1/$PJPROJECT_TARBALL
    if [ ! -f "$tarball" ]; then
        command -v curl >/dev/null || { say "pjproject: curl is missing, upstream is left out"; return 1; }
        # A host that cannot be reached costs 4 s; one that answers may take as long as it keeps sending.
        if ! curl --silent --show-error --fail --location --proto '=https' --connect-timeout 4 --speed-limit 1024 \
            --speed-time 4 --output "$tarball.part" "$PJPROJECT_FOLDER/$PJPROJECT_TARBALL" 2>/dev/null; then
            rm -f -- "$tarball.part"
            say "pjproject: the upstream release cannot be downloaded from here"
            return 1
        fi
        if ! echo "$PJPROJECT_SHA256  $tarball.part" | sha256sum --check --status; then
            rm -f -- "$tarball.part"
            say "pjproject: the upstream download has the wrong checksum and is refused"
            return 1
        fi
        mv -f -- "$tarball.part" "$tarball"
    fi
    echo "$PJPROJECT_SHA256  $tarball" | sha256sum --check --status || return 1
    SOURCE_TARBALL=$tarball
    SOURCE_NAME="upstream release $PJPROJECT_VERSION"
}

# --- Debian ------------------------------------------------------------------------------------------

debian_source() {
    local downloads=$1 keyring mirror found
    command -v apt-get >/dev/null || { say "pjproject: no apt-get here, Debian's source is left out"; return 1; }
    # Only a verified tarball is ever moved here.
    found=$(compgen -G "$downloads/asterisk_*.orig-Xpjproject.tar.*" | sort -V | tail -n 1) || true
    if [ -n "$found" ]; then
        take_debian "$found"
        return 0
    fi
    keyring=$(debian_keyring) || {
        say "pjproject: Debian's archive key is missing (package debian-archive-keyring), so its source is left out"
        return 1
    }
    while read -r mirror; do
        found=$(debian_download "$downloads" "$keyring" "$mirror") || continue
        take_debian "$found"
        return 0
    done < <(debian_mirrors)
    say "pjproject: no apt mirror of this machine carries Debian $DEBIAN_SUITE's asterisk (log: $downloads/apt.log)"
    return 1
}

take_debian() {
    SOURCE_TARBALL=$1
    SOURCE_NAME="Debian $DEBIAN_SUITE, ${1##*/}"
}

debian_keyring() {
    local name
    for name in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        if [ -f "$name" ]; then
            echo "$name"
            return 0
        fi
    done
    return 1
}

# The mirrors that apt is configured with, both formats, best guess first: a Debian mirror itself, or the
# Debian tree that most of Ubuntu's mirrors carry beside their own.
debian_mirrors() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
        [ -f "$file" ] || continue
        sed -nE -e 's/^[[:space:]]*URIs:[[:space:]]*//p' \
            -e 's/^[[:space:]]*deb(-src)?[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\3/p' "$file"
    done | tr -s '[:blank:]' '\n' | sed -E 's,/+$,,; s,/ubuntu$,/debian,' |
        grep -vE '^$|^cdrom:|security' | awk '!seen[$0]++'
}

# debian_download FOLDER KEYRING MIRROR - prints the verified tarball's path. apt works in lists and caches of
# its own, so that the system's are untouched; it refuses what the archive's key has not signed.
debian_download() {
    local downloads=$1 keyring=$2 mirror=$3 state log file
    state=$(mktemp -d "$downloads/apt.XXXXXX")
    log=$downloads/apt.log
    mkdir -p "$state"/{lists,cache/archives}/partial "$state/files"
    echo "deb-src [signed-by=$keyring] $mirror $DEBIAN_SUITE main" >"$state/sources.list"
    local private=(-o "Dir::Etc::SourceList=$state/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State=$state" -o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache"
        -o APT::Sandbox::User=root -o APT::Get::AllowUnauthenticated=false -o Acquire::Languages=none
        -o Acquire::AllowInsecureRepositories=false -o Acquire::Retries=2 -o Acquire::http::Timeout=15
        -o Acquire::https::Timeout=15)
    say "pjproject: looking in Debian $DEBIAN_SUITE (asterisk's source package)"
    if apt-get "${private[@]}" -o APT::Update::Error-Mode=any update >"$log" 2>&1 </dev/null &&
        (cd "$state/files" && apt-get "${private[@]}" source --download-only asterisk) >>"$log" 2>&1 </dev/null; then
        for file in "$state"/files/asterisk_*.orig-Xpjproject.tar.*; do
            [ -f "$file" ] || continue
            mv -f -- "$file" "$downloads/"
            rm -rf -- "$state"
            echo "$downloads/${file##*/}"
            return 0
        done
    fi
    rm -rf -- "$state"
    return 1
}

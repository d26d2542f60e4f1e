#!/bin/sh
# Installs p1-collector as a service on Raspberry Pi OS or Debian, 12 or later, from the checkout
# that this file lies in. Run it again to upgrade: settings and readings stay.
#
#   sudo ./infra/install.sh               install or upgrade
#   sudo ./infra/install.sh --uninstall   remove the program; settings and readings stay
#   sudo ./infra/install.sh --purge       remove everything, readings that wait for InfluxDB too
#
# It asks for the connection to InfluxDB, unless P1_INFLUX_URL is set or an earlier installation
# has one. Every setting that is in its environment (infra/p1-collector.env lists them) goes into
# /etc/p1-collector/p1-collector.env:
#
#   sudo P1_INFLUX_URL=http://nas:8086 P1_INFLUX_ORG=home P1_INFLUX_TOKEN_FILE=token.txt \
#       ./infra/install.sh
#
# A secret comes in a file: what stands before a command, sudo writes into the log.
#
# It puts files into /opt/p1-collector, /etc/p1-collector, /etc/systemd/system, /etc/udev/rules.d,
# /etc/modules-load.d, /etc/bash_completion.d and /usr/local/bin, and makes the user p1-collector.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
checkout=$(dirname -- "$here")

home=/opt/p1-collector
venv=$home/venv # a link to the one in use, so that an upgrade is one rename
etc=/etc/p1-collector
settings=$etc/p1-collector.env
state=/var/lib/p1-collector
units=/etc/systemd/system
rules=/etc/udev/rules.d/99-p1.rules
modules=/etc/modules-load.d/p1-collector.conf
command=/usr/local/bin/p1-collector
completion=/etc/bash_completion.d/p1-collector
user=p1-collector
changed=

# It goes on where nobody looks any more: a terminal that was closed ends nothing.
say() { printf '%s\n' "$*" || true; }

fail() {
    printf 'error: %s\n' "$1" >&2
    [ -z "${2-}" ] || printf '\nhint: %s\n' "$2" >&2
    exit 1
}

refuse() {
    printf "error: unknown option \`%s\`\n\n" "$1" >&2
    usage >&2
    exit 2
}

usage() { sed -n '2,/^set -eu$/{/^set -eu$/d;s/^# \{0,1\}//;p;}' "$0"; }

main() {
    case ${1-} in
    '') action=install ;;
    --uninstall) action=uninstall ;;
    --purge) action=purge ;;
    -h | --help) usage && exit 0 ;;
    *) refuse "$1" ;;
    esac
    [ $# -le 1 ] || refuse "$2"
    [ "$(id -u)" = 0 ] || fail "this needs root" "sudo $0 $*"
    [ -d /run/systemd/system ] || fail "systemd does not run here" "infra/compose.yaml needs none"
    umask 022
    "$action"
}

# Installing.

install() {
    [ -f "$checkout/pyproject.toml" ] || fail "$checkout is no checkout of p1-collector"
    ! command -v python3 >/dev/null || need_version
    make_user
    put_settings
    ask_connection
    trap '' HUP
    need_python
    make_venv
    put_files
    start
    sweep
    finish
}

need_python() {
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        say "installing python3-venv"
        # The lists of packages may be old, or not there yet.
        apt_get install python3-venv || { apt_get update && apt_get install python3-venv; } ||
            fail "python3-venv could not be installed" "sudo apt install python3-venv"
    fi
    need_version
}

need_version() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or later is needed, and this is $(python3 --version)" \
            "Raspberry Pi OS and Debian have it from version 12 (bookworm)"
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@" >/dev/null </dev/null; }

make_user() {
    getent passwd "$user" >/dev/null || useradd --system --user-group --home-dir "$state" \
        --no-create-home --shell /usr/sbin/nologin "$user"
}

# What a venv is made from: the program, the versions of what it needs, and the Python.
fingerprint() {
    {
        python3 -VV
        extras
        cd "$checkout"
        find collector -type f ! -name '*.pyc' -exec cksum {} + | LC_ALL=C sort
        cksum pyproject.toml tests/constraints.txt README.md 2>/dev/null || true
    } | cksum | tr ' ' '-'
}

# Only meters that encrypt need what decrypts.
extras() { [ ! -s "$etc/decrypt-key" ] || printf '[decrypt]'; }

# A new venv beside the old one: the old one works until the link is set, and stays if this fails.
make_venv() {
    new=$home/venv-$(fingerprint)
    if [ "$(readlink "$venv" 2>/dev/null)" = "$new" ] && works "$new"; then
        return
    fi
    say "installing p1-collector into $home"
    mkdir -p "$home"
    rm -rf "$new"
    python3 -m venv "$new"
    pip_install "$new" || {
        rm -rf "$new"
        fail "pip could not install p1-collector" "it needs the internet; what was installed stays"
    }
    works "$new" || fail "$new does not work" "$("$new/bin/p1-collector" --version 2>&1 | tail -n 1)"
    ln -s "$new" "$venv.new"
    mv -T "$venv.new" "$venv"
    changed=yes
}

works() { "$1/bin/p1-collector" --version >/dev/null 2>&1; }

# The versions that were tested; else what there is for this machine. Nothing is compiled but where
# there is no other way: that takes hours on a small machine.
pip_install() {
    set -- "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --no-input --root-user-action=ignore "$checkout$(extras)"
    tested=$checkout/tests/constraints.txt
    if [ -f "$tested" ] && "$@" --only-binary=:all: --constraint "$tested" 2>/dev/null; then
        return
    fi
    "$@" --prefer-binary
}

put_settings() {
    mkdir -p "$etc"
    chmod 755 "$etc"
    if [ ! -f "$settings" ]; then
        put "$here/p1-collector.env" "$settings" 640
        chgrp "$user" "$settings"
    fi
    # The reference of this version, for those who keep the settings of an older one.
    put "$here/p1-collector.env" "$settings.reference" 644
    # Empty ones show where a secret goes.
    for name in influx-token source-token meter-salt decrypt-key decrypt-auth-key entsoe-token; do
        [ -f "$etc/$name" ] || (umask 077 && : >"$etc/$name")
        chown root:root "$etc/$name"
        chmod 600 "$etc/$name"
    done
    # Where readings were stored without one, the names that they have are kept.
    if [ ! -s "$etc/meter-salt" ] && ! has_spool; then
        set_secret meter-salt "$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')"
    fi
    for name in $(sed -n 's/^#\(P1_[A-Z0-9_]*\)=.*/\1/p' "$here/p1-collector.env") \
        INFLUX_HOST INFLUX_ORG INFLUX_TOKEN INFLUX_BUCKET \
        INFLUXDB_V2_URL INFLUXDB_V2_ORG INFLUXDB_V2_TOKEN; do
        if file=$(printenv "${name}_FILE"); then
            value=$(cat "$file") || fail "${name}_FILE: $file cannot be read"
        else
            value=$(printenv "$name") || continue
        fi
        set_variable "$name" "$value"
    done
}

# Whether any meter has been read here: its spool, where the program makes it or was told to.
has_spool() {
    {
        printf '%s\n' "$state/spool" "$state"-*/spool "${P1_SPOOL_DIR-}"
        cat "$etc"/*.env 2>/dev/null | sed -n 's/^P1_SPOOL_DIR="\{0,1\}\([^"]*\).*/\1/p'
    } | while IFS= read -r spool; do
        [ ! -d "$spool" ] || say "$spool"
    done | grep -q .
}

set_variable() {
    case $1 in
    P1_INFLUX_TOKEN | INFLUXDB_V2_TOKEN | INFLUX_TOKEN) set_secret influx-token "$2" ;;
    P1_SOURCE_TOKEN) set_secret source-token "$2" ;;
    P1_METER_SALT) set_secret meter-salt "$2" ;;
    P1_DECRYPT_KEY) set_secret decrypt-key "$2" ;;
    P1_DECRYPT_AUTH_KEY) set_secret decrypt-auth-key "$2" ;;
    P1_ENTSOE_TOKEN) set_secret entsoe-token "$2" ;;
    *) set_setting "$1" "$2" ;;
    esac
}

set_secret() {
    [ "$(cat "$etc/$1")" != "$2" ] || return 0
    printf '%s\n' "$2" >"$etc/$1"
    changed=yes
}

# Writes NAME="VALUE" in the place of the line that has it, commented or not, else at the end.
set_setting() {
    case $2 in
    *[\"\'\\\`\$]* | *"
"*) fail "$1: a quote, a backslash or a dollar cannot be written to $settings" ;;
    esac
    new=$(name=$1 value=$2 awk '
        BEGIN { name = ENVIRON["name"]; line = name "=\"" ENVIRON["value"] "\"" }
        !done && (index($0, name "=") == 1 || index($0, "#" name "=") == 1) {
            print line; done = 1; next
        }
        index($0, name "=") != 1 { print }
        END { if (!done) print line }
    ' "$settings")
    [ "$(cat "$settings")" != "$new" ] || return 0
    printf '%s\n' "$new" >"$settings.new"
    chmod 640 "$settings.new"
    chgrp "$user" "$settings.new"
    mv "$settings.new" "$settings"
    changed=yes
}

has_setting() { grep -Eq "^($1)=\"?[^\"]" "$settings"; }

ask_connection() {
    has_setting 'P1_INFLUX_URL|INFLUXDB_V2_URL|INFLUX_HOST' && return
    if [ ! -t 0 ]; then
        say "no InfluxDB is set: readings are kept until $settings names one"
        return
    fi
    say ""
    say "Where is InfluxDB? Leave the address empty to set it later in $settings."
    answer=$(ask "address, such as http://192.168.1.10:8086: ")
    [ -n "$answer" ] || return 0
    set_setting P1_INFLUX_URL "$answer"
    set_setting P1_INFLUX_ORG "$(ask "organisation: ")"
    answer=$(ask "bucket [p1]: ")
    set_setting P1_INFLUX_BUCKET "${answer:-p1}"
    stty -echo
    answer=$(ask "token that may write to the bucket (not shown): ")
    stty echo
    say ""
    set_secret influx-token "$answer"
    say "That was all it asks. The rest takes some minutes on a small machine."
}

ask() {
    printf '%s' "$1" >&2
    IFS= read -r answer || true
    printf '%s' "$answer"
}

put_files() {
    put "$here/p1-collector.service" "$units/p1-collector.service" 644
    put "$here/p1-collector@.service" "$units/p1-collector@.service" 644
    put "$here/p1-collector-prices.service" "$units/p1-collector-prices.service" 644
    put "$here/p1-collector-prices.timer" "$units/p1-collector-prices.timer" 644
    put "$here/p1-collector" "$command" 755
    put "$here/p1-collector.bash" "$completion" 644
    put "$here/99-p1.rules" "$rules" 644
    name_ports
    # Not every kernel has them, and a missing one would be a failed unit at every boot.
    if modprobe --quiet --dry-run --all usbserial cdc_acm 2>/dev/null; then
        put "$here/p1-modules.conf" "$modules" 644
        modprobe --quiet --all usbserial cdc_acm || true
    fi
}

# Lets udev name the ports anew, by the rules that are there now, and waits until it has.
name_ports() {
    command -v udevadm >/dev/null && udevadm control --reload 2>/dev/null || return 0
    udevadm trigger --subsystem-match=tty --action=add
    udevadm settle --timeout=30 || true
}

# Copies a file unless it is there already, as a whole: no program ever sees half of it.
put() {
    cmp -s "$1" "$2" && return
    mkdir -p "$(dirname "$2")"
    cp "$1" "$2.new"
    chown root:root "$2.new"
    chmod "$3" "$2.new"
    mv "$2.new" "$2"
    changed=yes
}

start() {
    systemctl daemon-reload
    systemctl --quiet enable p1-collector.service
    systemctl --quiet enable --now p1-collector-prices.timer
    if [ -z "$changed" ] && systemctl --quiet is-active p1-collector.service; then
        say "nothing has changed, and the service runs"
        return
    fi
    # It reads again within seconds: what the meter sends meanwhile is all that is missed.
    systemctl restart p1-collector.service ||
        fail "the service does not start" "journalctl --unit=p1-collector --lines=20"
    for instance in $(instances); do
        systemctl restart "$instance"
    done
}

# The services of further meters that are running or failing.
instances() {
    systemctl list-units --plain --no-legend --full 'p1-collector@*.service' | cut -d ' ' -f 1
}

# Removes venvs of earlier versions; no service runs from them any more.
sweep() {
    for old in "$home"/venv-*; do
        [ "$old" = "$(readlink "$venv")" ] || rm -rf "$old"
    done
}

finish() {
    version=$("$venv/bin/p1-collector" --version)
    say "$version is installed and runs; its settings: $settings"
    if "$venv/bin/p1-collector" check --help >/dev/null 2>&1; then
        say ""
        "$command" check || say "
It goes on trying by itself. After a change: sudo systemctl restart p1-collector
To check again: sudo p1-collector check"
    fi
}

# Removing.

uninstall() {
    # On a stop everything that waits goes from RAM to the disk.
    for unit in p1-collector-prices.timer p1-collector.service $(instances); do
        systemctl --quiet disable --now "$unit" 2>/dev/null || true
    done
    rm -f "$units/p1-collector.service" "$units/p1-collector@.service" \
        "$units/p1-collector-prices.service" "$units/p1-collector-prices.timer" "$command" "$rules" \
        /var/lib/systemd/timers/stamp-p1-collector-prices.timer \
        "$modules" "$completion" "$settings.reference"
    rm -rf "$home"
    systemctl daemon-reload
    name_ports
    say "p1-collector is removed"
    if [ "$action" = uninstall ]; then
        say "kept: the settings in $etc, the readings that wait for InfluxDB in $state*"
    fi
}

purge() {
    uninstall
    rm -rf "$etc" "$state" "$state"-* /run/p1-collector /run/p1-collector-* \
        "$units"/p1-collector.service.d "$units"/p1-collector@*.service.d
    if getent passwd "$user" >/dev/null; then
        userdel "$user"
    fi
    say "removed too: settings, token, readings and the user $user"
    say "with P1_METER=hash the meter has another name after the next installation"
}

main "$@"

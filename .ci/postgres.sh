# shellcheck shell=bash
# PostgreSQL for the tests: sourced by .ci/test, whose `scratch`, `say`, `die`, `need`, `may_install`, `apt_install` and
# `free_port` it uses. `provision_postgres` exports
#   CRUDAUTH_TEST_POSTGRES       the URL of a server's maintenance database, with a role that may create databases
#   CRUDAUTH_TEST_POSTGRES_BIN   where the server's programs are, for the tests that start and stop one of their own
#   CRUDAUTH_TEST_POSTGRES_USER  whom to run those as, where we are root: PostgreSQL does not run as root
# and `stop_postgres` ends and removes what this run has made, on whichever server.

readonly POSTGRES_OLDEST=14

postgres=           # the process of the private server
postgres_home=      # its directory
postgres_as=()      # what runs a program as its owner
postgres_made=()    # databases that `fresh_database` has made

provision_postgres() {
    need_postgres
    if [[ -n "${CRUDAUTH_TEST_POSTGRES:-}" ]]; then
        say "PostgreSQL: the server of CRUDAUTH_TEST_POSTGRES"
    else
        say "PostgreSQL: a private server of $CRUDAUTH_TEST_POSTGRES_BIN"
        start_postgres
    fi
    check_postgres
}

stop_postgres() {
    local name
    if [[ -n "$postgres" ]]; then
        # At once and without a checkpoint: nothing of it is kept.
        kill -QUIT "$postgres" 2>/dev/null || true
        wait "$postgres" || true
    else
        for name in "${postgres_made[@]}"; do
            ask "DROP DATABASE IF EXISTS $name WITH (FORCE)" >/dev/null 2>&1 || true
        done
    fi
    if [[ -n "$postgres_home" ]]; then rm -rf "$postgres_home"; fi
}

# --- The programs --------------------------------------------------------------------------------------------------

# A directory that holds a whole server which is new enough.
postgres_programs() {
    local dir major
    while IFS= read -r dir; do
        [[ -x "$dir/initdb" && -x "$dir/pg_ctl" && -x "$dir/postgres" ]] || continue
        major="$("$dir/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')"
        if ((major >= POSTGRES_OLDEST)); then
            echo "$dir"
            return
        fi
    done < <(
        if [[ -n "${CRUDAUTH_TEST_POSTGRES_BIN:-}" ]]; then echo "$CRUDAUTH_TEST_POSTGRES_BIN"; fi
        if command -v postgres >/dev/null; then dirname "$(command -v postgres)"; fi
        printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse
    )
    return 1
}

# Debian's package makes a cluster for the system and starts it, unless it is told not to before it comes.
install_postgres() {
    local config=/etc/postgresql-common/createcluster.d/crudauth-tests.conf code=0
    apt_install --no-install-recommends postgresql-common || return
    mkdir -p "${config%/*}"
    echo "create_main_cluster = false" >"$config"
    apt_install --no-install-recommends postgresql || code=$?
    rm -f "$config"
    return "$code"
}

need_postgres() {
    local bin user
    if ! bin="$(postgres_programs)"; then
        if may_install; then install_postgres || true; fi
        bin="$(postgres_programs)" || die "no PostgreSQL $POSTGRES_OLDEST or newer: its programs initdb, pg_ctl and postgres are missing;" \
            "install them (Debian: apt-get install postgresql), or name their directory in CRUDAUTH_TEST_POSTGRES_BIN"
    fi
    export CRUDAUTH_TEST_POSTGRES_BIN="$bin"
    PATH="$PATH:$bin" # for psql, which some distributions keep there
    need psql postgresql-client

    if [[ "$(id -u)" == 0 ]]; then
        need setpriv util-linux
        for user in postgres nobody; do
            if id -u "$user" >/dev/null 2>&1; then break; fi
        done
        export CRUDAUTH_TEST_POSTGRES_USER="$user"
        postgres_as=(setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --clear-groups)
    fi
}

# --- A private server ----------------------------------------------------------------------------------------------

start_postgres() {
    local bin="$CRUDAUTH_TEST_POSTGRES_BIN" password port attempt log
    local server=("${postgres_as[@]}")
    # It ends with this script even where the script is killed and cannot end it.
    if command -v setpriv >/dev/null; then server+=(setpriv --pdeathsig INT); fi
    unset "${!PG@}" # what the environment says of another server
    make_postgres_home
    log="$postgres_home/log"

    # A superuser of the server runs programs as its owner, and a port is open to everybody on this machine.
    password="$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')"
    (umask 077 && echo "$password" >"$postgres_home/password")
    give_to_postgres "$postgres_home/password"
    (
        cd "$postgres_home"
        "${postgres_as[@]}" "$bin/initdb" --pgdata=data --username=postgres --pwfile=password --auth=scram-sha-256 \
            --encoding=UTF8 --locale=C.UTF-8 --no-sync
    ) >"$log" 2>&1 || { cat "$log"; die "initdb failed"; }

    for ((attempt = 0; attempt < 5; attempt++)); do
        port="$(free_port)"
        export CRUDAUTH_TEST_POSTGRES="postgres://postgres:$password@127.0.0.1:$port/postgres"
        # No socket but that of the port: the path of another one has at most 107 bytes.
        (
            cd "$postgres_home"
            exec "${server[@]}" "$bin/postgres" -D data -c listen_addresses=127.0.0.1 -c port="$port" \
                -c unix_socket_directories= -c max_connections=300 -c fsync=off -c synchronous_commit=off \
                -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0
        ) >"$log" 2>&1 &
        postgres=$!
        if postgres_answers; then return; fi
        wait "$postgres" || true
        postgres=
        grep -q "could not bind" "$log" || break # another program has taken the port: another one is tried
    done
    cat "$log"
    die "the private PostgreSQL server does not start"
}

postgres_answers() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        if ask "SELECT 1" >/dev/null 2>&1; then return; fi
        kill -0 "$postgres" 2>/dev/null || return 1
        sleep 0.1
    done
    kill -QUIT "$postgres"
    return 1
}

give_to_postgres() {
    if [[ -n "${CRUDAUTH_TEST_POSTGRES_USER:-}" ]]; then chown "$CRUDAUTH_TEST_POSTGRES_USER" "$1"; fi
}

# A directory that the server's owner can reach: one below the home of root it cannot.
make_postgres_home() {
    local parent
    chmod 711 "$scratch"
    for parent in "$scratch" /tmp /var/tmp; do
        postgres_home="$(mktemp -d "$parent/crudauth-postgres.XXXXXX")"
        give_to_postgres "$postgres_home"
        if "${postgres_as[@]}" test -w "$postgres_home"; then return; fi
        rm -rf "$postgres_home"
    done
    die "the user $CRUDAUTH_TEST_POSTGRES_USER, who is to run PostgreSQL, can reach none of $scratch, /tmp and /var/tmp"
}

# --- Any server ----------------------------------------------------------------------------------------------------

# ask SQL [URL]: one statement, in the maintenance database or that of URL. The password goes by the environment:
# arguments are for all to see.
ask() {
    local url="${2:-$CRUDAUTH_TEST_POSTGRES}" password
    if [[ "$url" =~ ^([a-z]+://[^:/@]*):(.*)@([^@]*)$ ]]; then
        url="${BASH_REMATCH[1]}@${BASH_REMATCH[3]}"
        password="${BASH_REMATCH[2]//\\/\\\\}"
        local -x PGPASSWORD
        PGPASSWORD="$(printf '%b' "${password//%/\\x}")"
    fi
    PGCONNECT_TIMEOUT=10 psql --no-psqlrc --no-password --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
        --command "$1" "$url"
}

# Whether the server is one that the tests can use.
check_postgres() {
    local answer version may_create encoding citext log="$scratch/psql.log"
    [[ "$CRUDAUTH_TEST_POSTGRES" =~ ^postgres(ql)?://(.*@)?[^/@?]*/[^/?]+(\?.*)?$ ]] \
        || die "CRUDAUTH_TEST_POSTGRES is not the URL of a database: postgres://ROLE:PASSWORD@HOST:PORT/DATABASE"
    answer="$(ask "SELECT current_setting('server_version_num'), rolsuper OR (rolcreatedb AND rolcreaterole),
            current_setting('server_encoding'), EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citext')
            FROM pg_roles WHERE rolname = current_user" 2>"$log")" \
        || die "the server of CRUDAUTH_TEST_POSTGRES does not answer: $(sed -E 's#[a-z]+://[^"[:space:]]*#(its URL)#g' "$log")"
    IFS='|' read -r version may_create encoding citext <<<"$answer"
    ((version >= POSTGRES_OLDEST * 10000)) \
        || die "the server of CRUDAUTH_TEST_POSTGRES is PostgreSQL $((version / 10000)); $POSTGRES_OLDEST or newer is needed"
    [[ "$may_create" == t ]] \
        || die "the role of CRUDAUTH_TEST_POSTGRES may not create databases and roles (ALTER ROLE … CREATEDB CREATEROLE)"
    [[ "$encoding" == UTF8 ]] || die "the encoding of the server of CRUDAUTH_TEST_POSTGRES is $encoding; the tests write UTF8"
    [[ "$citext" == t ]] \
        || die "the extension citext is missing on the PostgreSQL server; install its contrib package (postgresql-contrib)"
}

# An empty database, which DATABASE_URL then names.
fresh_database() {
    local name="crudauth_ci_$$_${#postgres_made[@]}" place="${CRUDAUTH_TEST_POSTGRES%%\?*}"
    postgres_made+=("$name")
    ask "CREATE DATABASE $name TEMPLATE template0"
    export DATABASE_URL="${place%/*}/$name${CRUDAUTH_TEST_POSTGRES#"$place"}"
}

#!/bin/sh
# Usage: deb-folder.sh SUITE DIR PACKAGE...
#
# Unpacks Debian packages of any suite, with everything they depend on, into DIR. Nothing is installed: the machine's own
# apt state is not touched, no maintainer script runs, and no privilege is needed. The mirror is the one this machine's
# apt uses. Programs in DIR run with the C library in DIR (see `wrap`), so DIR works on a machine of another release.
set -eu
suite=$1 dir=$2
shift 2

apt=$dir/.apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/etc/apt.conf.d" "$apt/etc/preferences.d"
# An empty status file makes apt believe that the machine has no package at all, so it fetches every dependency.
: > "$apt/status"
mirror=$(apt-get indextargets --format '$(SITE)' | head -n 1)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" > "$apt/sources.list"
# Check-Valid-Until: a mirror that lags is good enough for a test server, its signatures are still checked.
cat > "$apt/apt.conf" <<CONF
Dir::Etc "$apt/etc";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Install-Recommends "0";
APT::Sandbox::User "root";
Debug::NoLocking "1";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
CONF
export APT_CONFIG="$apt/apt.conf"
apt-get -q update
apt-get -q -y --download-only install "$@"

# /bin, /lib and so on have been links into /usr since Debian 12, but only the scripts of base-files make them.
for name in bin sbin lib lib64; do
  mkdir -p "$dir/usr/$name"
  ln -s "usr/$name" "$dir/$name"
done
for package in "$apt"/cache/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$dir" --keep-directory-symlink --no-same-owner
done
rm -rf "$apt" "$dir"/usr/share/doc "$dir"/usr/share/man "$dir"/usr/share/locale "$dir"/usr/share/perl* "$dir"/usr/lib/*/perl*

# wrap PROGRAM ROOT: replaces PROGRAM by a script that runs it with the loader and the libraries below ROOT, which is
# given relative to the program's folder. The program still sees its own path as argv[0]: PostgreSQL finds its files by it.
loader=$(cd "$dir" && echo usr/lib/*-linux-gnu*/ld-linux-*.so.*)
wrap() {
  mkdir -p "${1%/*}/.elf"
  mv "$1" "${1%/*}/.elf/"
  cat > "$1" <<WRAPPER
#!/bin/sh
here=\${0%/*} root=\${0%/*}/$2
export MARIADB_PLUGIN_DIR="\$root/${loader%/*}/libmariadb3/plugin"
exec "\$root/$loader" --library-path "\$root/${loader%/*}" --argv0 "\$0" "\$here/.elf/${1##*/}" "\$@"
WRAPPER
  chmod 755 "$1"
}
is_program() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(head -c 4 "$1" | tail -c 3)" = ELF ]; }

for program in "$dir"/usr/bin/m* "$dir"/usr/sbin/m*; do
  if is_program "$program"; then wrap "$program" ../..; fi
done
for program in "$dir"/usr/lib/postgresql/*/bin/*; do
  if is_program "$program"; then wrap "$program" ../../../../..; fi
done

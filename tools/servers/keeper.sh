#!/bin/sh
# Usage: keeper.sh attached|detached STOP_SIGNAL HOME COMMAND...
#
# Runs a server for as long as somebody needs it, and cleans up when nobody does: stops the server and removes HOME.
# attached: until standard input ends, which also happens when the process at its other end is killed with -9.
#           A line on standard input starts the server anew, on the same data.
# detached: until SIGTERM, or until the server ends by itself.
# Each start prints the server's process id.
set -u
mode=$1 signal=$2 home=$3
shift 3
pid=

start() {
  "$@" < /dev/null >> "$home/log" 2>&1 &
  pid=$!
  echo "$pid"
}

tree() {
  echo "$1"
  for child in $(cat "/proc/$1/task"/*/children 2> /dev/null); do tree "$child"; done
}

is_running() {
  # A process that has ended stays as a zombie until `wait`, and kill -0 still finds it.
  read -r _ _ state _ 2> /dev/null < "/proc/$pid/stat" && [ "$state" != Z ]
}

halt() {
  kill -s "$signal" "$pid" 2> /dev/null
  # Ten seconds in steps of 20 ms, then without mercy.
  steps=500
  while is_running && [ "$steps" -gt 0 ]; do
    sleep 0.02
    steps=$((steps - 1))
  done
  if is_running; then kill -s KILL $(tree "$pid") 2> /dev/null; fi
  wait "$pid" 2> /dev/null
}

finish() {
  trap '' TERM
  halt
  rm -rf --one-file-system "$home"
  exit 0
}

start "$@"
if [ "$mode" = detached ]; then
  trap finish TERM
  wait "$pid"
else
  while read -r _; do
    halt
    start "$@"
  done
fi
finish

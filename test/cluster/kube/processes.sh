# shellcheck shell=bash
# Sourced by the other scripts: processes of the current folder, known by run/NAME.pid ("PID START").

# A pid counts only together with the start time of its process, and not as a zombie: some init processes reap late.
started() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | awk '$1 !~ /[ZX]/ { print $20 }'; }
alive() { [ -n "${2:-}" ] && [ "$(started "$1")" = "$2" ]; } # PID START
running() {                                                  # NAME
  local pid at
  { read -r pid at < "run/$1.pid"; } 2> /dev/null && alive "$pid" "$at"
}
start() { # NAME COMMAND...
  local name=$1
  shift
  running "$name" && return
  setsid "$@" >> "log/$name.log" 2>&1 < /dev/null &
  echo "$! $(started $!)" > "run/$name.pid"
}
stop() { # NAME [SIGNAL]: and SIGKILL where that does not end it within 20 s
  local pid at i
  { read -r pid at < "run/$1.pid"; } 2> /dev/null || return 0
  if alive "$pid" "$at"; then
    kill -s "${2:-TERM}" "$pid"
    for ((i = 200; i; i--)); do
      alive "$pid" "$at" || break
      sleep 0.1
    done
    alive "$pid" "$at" && kill -9 "$pid"
  fi
  rm -f "run/$1.pid"
}

"""Commands that do not want to end. Each says "up" once it is as bad as it gets."""

from __future__ import annotations

HOSTILE = {
    "ignores SIGTERM": "trap '' TERM; echo up; while :; do sleep 1; done",
    "daemon in a session of its own": (
        "setsid sh -c \"trap '' TERM; echo up; exec sleep 61\" & sleep 60"
    ),
    "double fork": "(setsid sleep 62 &); (sleep 63 &); echo up; sleep 60",
    "stopped": "sleep 64 & kill -STOP $!; echo up; kill -STOP $$; sleep 5",
    "respawner": "trap '' TERM; echo up; while :; do (trap '' TERM; sleep 65) & sleep 0.05; done",
    "fork storm": (
        "f() { trap '' TERM; (sleep 66) & (sleep 67) & sleep 0.02; f; }; f & f & echo up; f"
    ),
    "says nothing and holds its pipes": "echo up; sleep 68 & exec sleep 60",
}

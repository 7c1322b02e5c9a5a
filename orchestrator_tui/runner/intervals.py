"""Every pause that the runner makes, in one place."""

from __future__ import annotations

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.pipeline import RunnerLimits


@dataclass(frozen=True, slots=True)
class Intervals:
    """Every pause that the runner makes, in seconds; tests make them short."""

    heartbeat_s: float = 5.0
    manifest_s: float = 30.0
    control_poll_s: float = 0.5
    stop_grace_s: float = 10.0
    signal_grace_s: float = 1.5  # a signal to the runner ends the run within three seconds
    timeout_grace_s: float = 1.0

    @classmethod
    def of(cls, limits: RunnerLimits) -> Intervals:
        """Return the intervals that a project has configured."""
        return cls(
            heartbeat_s=limits.heartbeat_interval_s,
            manifest_s=limits.manifest_interval_s,
            stop_grace_s=limits.kill_grace_s,
        )

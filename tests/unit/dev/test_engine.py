"""An engine that was killed does not keep the next one from starting."""

from __future__ import annotations

import os
from pathlib import Path

import engine


def test_the_pid_file_of_a_killed_engine_is_removed(tmp_path: Path) -> None:
    dead = tmp_path / "docker.pid"
    dead.write_text("999999999")
    engine.forget_dead_engine([dead, tmp_path / "containerd.pid"])
    assert not dead.exists()


def test_a_pid_that_another_program_has_now_is_no_engine(tmp_path: Path) -> None:
    reused = tmp_path / "docker.pid"
    reused.write_text(f"{os.getpid()}\n")
    engine.forget_dead_engine([reused])
    assert not reused.exists()


def test_the_pid_file_of_a_running_engine_stays(tmp_path: Path) -> None:
    name = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
    alive = tmp_path / f"{name}.pid"
    alive.write_text(str(os.getpid()))
    engine.forget_dead_engine([alive])
    assert alive.exists()


def test_memory_cgroups_that_outlived_their_containers_are_counted() -> None:
    table = (
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
        "memory\t4\t1220\t1\n"
        "devices\t5\t142\t1\n"
        "pids\t8\t142\t1\n"
    )
    assert engine.count_dead_cgroups(table) == 1078

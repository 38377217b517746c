"""The way of a release archive: found or downloaded, verified, repacked for a host."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meridian.metrics.plugins.plugin_utils.archives import (
    ArchiveError,
    Payload,
    arch_of,
    obtain,
)
from ansible_collections.meridian.metrics.plugins.plugin_utils.releases import Archive

FILE = "tools-linux-amd64-v1.2.3.tar.gz"
CHECKSUMS = "tools-linux-amd64-v1.2.3_checksums.txt"
# Seconds for what another process does on a busy machine.
PATIENCE = 120
# Incompressible, so that transfers can be cut in the middle of it.
PROGRAM = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(3000))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tar_gz(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


ARCHIVE = tar_gz({"tool-prod": PROGRAM, "other-prod": b"other"})
SHA256 = sha256(ARCHIVE)


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server(release_page: Any) -> Any:
    publish(release_page, ARCHIVE)
    return release_page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "archives"
    path.mkdir()
    return path


@pytest.fixture
def get(server: Any, folder: Path) -> Callable[..., Payload]:
    """Obtain ``tool-prod`` 1.2.3 for amd64 from the test's release page."""

    def call(member: str | None = "tool-prod", **changes: object) -> Payload:
        arguments: dict[str, object] = {
            "version": "1.2.3",
            "arch": "amd64",
            "archive_dir": folder,
            "mirror": None,
            "timeout": float(PATIENCE),
            **changes,
        }
        archive = arguments.pop("archive", tools(server))
        return obtain(archive, member, **arguments)  # type: ignore[arg-type]

    return call


def tools(server: Any) -> Archive:
    return Archive(
        name="tools",
        version="1.2.3",
        file="tools-linux-{arch}-v{version}.tar.gz",
        url=server.url + "/v{version}/{file}",
        checksums="tools-linux-{arch}-v{version}_checksums.txt",
    )


def publish(server: Any, content: bytes, *, at: str = "/v1.2.3") -> None:
    server.files[f"{at}/{FILE}"] = content
    server.files[f"{at}/{CHECKSUMS}"] = f"{sha256(content)}  {FILE}\n".encode()


def put(folder: Path, content: bytes = ARCHIVE, *, checksum: str | None = SHA256) -> None:
    (folder / FILE).write_bytes(content)
    if checksum:
        (folder / CHECKSUMS).write_text(f"{checksum}  {FILE}\n{'0' * 64}  tool-prod\n")


def contents(payload: Payload) -> dict[str, bytes]:
    with tarfile.open(payload.path) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def error_of(call: Callable[..., Payload], *arguments: object, **changes: object) -> str:
    with pytest.raises(ArchiveError) as caught:
        call(*arguments, **changes)
    return str(caught.value)


# Where an archive comes from


def test_an_archive_in_the_folder_is_used_without_the_network(server, folder, get):
    put(folder)
    payload = get()
    assert contents(payload) == {"tool-prod": PROGRAM}
    assert payload.files == {"tool-prod": sha256(PROGRAM)}
    assert payload.archive_sha256 == SHA256
    assert server.requests == []


def test_a_missing_archive_is_downloaded_from_the_vendor_once(server, folder, get):
    assert contents(get()) == {"tool-prod": PROGRAM}
    assert contents(get("other-prod")) == {"other-prod": b"other"}
    assert server.requests == [(f"/v1.2.3/{CHECKSUMS}", ""), (f"/v1.2.3/{FILE}", "")]
    assert sorted(path.name for path in folder.iterdir()) == [".payloads", FILE, CHECKSUMS]
    assert (folder / FILE).read_bytes() == ARCHIVE


def test_a_mirror_replaces_the_vendor_and_is_flat(server, get):
    server.files.clear()
    publish(server, ARCHIVE, at="/mirror")
    assert contents(get(mirror=f"{server.url}/mirror/")) == {"tool-prod": PROGRAM}
    assert [path for path, _asked in server.requests] == [f"/mirror/{CHECKSUMS}", f"/mirror/{FILE}"]


def test_a_checksum_file_named_alike_in_all_releases_gets_a_name_of_its_own(server, folder, get):
    archive = Archive(
        name="blackbox_exporter",
        version="0.28.0",
        file="blackbox_exporter-{version}.linux-{arch}.tar.gz",
        url=server.url + "/v{version}/{file}",
        checksums="sha256sums.txt",
    )
    content = tar_gz({"blackbox_exporter-0.28.0.linux-amd64/blackbox_exporter": PROGRAM})
    name = "blackbox_exporter-0.28.0.linux-amd64.tar.gz"
    lines = f"{'0' * 64}  other.tar.gz\n{sha256(content)}  {name}\n".encode()
    server.files |= {f"/v0.28.0/{name}": content, "/v0.28.0/sha256sums.txt": lines}
    payload = get("blackbox_exporter", archive=archive, version="0.28.0")
    assert contents(payload) == {"blackbox_exporter": PROGRAM}
    assert (folder / "blackbox_exporter-0.28.0_sha256sums.txt").read_bytes() == lines

    (folder / name).unlink()
    (folder / "blackbox_exporter-0.28.0_sha256sums.txt").unlink()
    server.files = {
        f"/mirror/{name}": content,
        "/mirror/blackbox_exporter-0.28.0_sha256sums.txt": lines,
    }
    get("blackbox_exporter", archive=archive, version="0.28.0", mirror=f"{server.url}/mirror")
    assert (folder / name).read_bytes() == content


def test_a_copied_folder_is_all_that_an_air_gapped_site_needs(server, folder, get, tmp_path):
    get()
    copied = tmp_path / "copied"
    copied.mkdir()
    for name in (FILE, CHECKSUMS):
        (copied / name).write_bytes((folder / name).read_bytes())
    server.requests.clear()
    nowhere = "http://127.0.0.1:1"
    assert contents(get(archive_dir=copied, mirror=nowhere)) == {"tool-prod": PROGRAM}
    assert server.requests == []


def test_proxy_variables_are_respected(server, get, monkeypatch):
    server.files = {f"http://mirror.invalid{path}": body for path, body in server.files.items()}
    monkeypatch.setenv("http_proxy", server.url)
    payload = get(mirror="http://mirror.invalid/v1.2.3")
    assert contents(payload) == {"tool-prod": PROGRAM}


def test_no_proxy_is_respected(get, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert contents(get()) == {"tool-prod": PROGRAM}


def test_an_unreachable_mirror_is_told_with_folder_file_and_url(folder, get):
    message = error_of(get, mirror="http://127.0.0.1:1/files")
    assert message == (
        f"{FILE} is not in '{folder}' and not downloaded from http://127.0.0.1:1/files/{FILE}, "
        f"because its checksum file http://127.0.0.1:1/files/{CHECKSUMS} cannot be used: "
        f"Connection refused; put {FILE} and {CHECKSUMS} into the folder, "
        f"or set meridian_mirror to a URL that serves both"
    )


def test_an_unreachable_mirror_with_a_pinned_sum_needs_the_archive_alone(folder, get):
    message = error_of(get, mirror="http://127.0.0.1:1/files", sha256=SHA256)
    assert message == (
        f"{FILE} is not in '{folder}' and cannot be downloaded from "
        f"http://127.0.0.1:1/files/{FILE}: Connection refused; "
        f"put it into the folder, or set meridian_mirror to a URL that serves it"
    )


def test_a_mirror_without_the_file_is_told(server, folder, get):
    del server.files[f"/v1.2.3/{FILE}"]
    assert error_of(get) == (
        f"{FILE} is not in '{folder}' and cannot be downloaded from "
        f"{server.url}/v1.2.3/{FILE}: HTTP 404 Not Found; "
        f"put it into the folder, or set meridian_mirror to a URL that serves it"
    )


def test_a_silent_mirror_is_given_up_after_the_timeout(server, folder, get):
    put(folder, checksum=None)
    server.stalls[f"/v1.2.3/{CHECKSUMS}"] = 10
    assert error_of(get, timeout=0.2) == (
        f"no checksum for '{folder / FILE}': {CHECKSUMS} is not beside it and "
        f"{server.url}/v1.2.3/{CHECKSUMS} cannot be used: timed out; "
        f"put that file into the folder, or pin the archive's SHA-256"
    )


# Interrupted downloads


def test_a_cut_transfer_is_resumed_within_the_same_run(server, get):
    path = f"/v1.2.3/{FILE}"
    server.cuts[path] = [1000, 5000]
    assert contents(get()) == {"tool-prod": PROGRAM}
    assert server.requested(path) == ["", "bytes=1000-", "bytes=5000-"]


def test_a_truncated_download_is_refused_and_kept_for_the_next_run(server, folder, get):
    path = f"/v1.2.3/{FILE}"
    server.cuts[path] = [1000, 1000, 1000]
    assert error_of(get) == (
        f"{FILE} is not in '{folder}' and cannot be downloaded from {server.url}{path}: "
        f"the transfer stopped 3 times, last after 1000 of {len(ARCHIVE)} bytes "
        f"(the next run resumes it); "
        f"put it into the folder, or set meridian_mirror to a URL that serves it"
    )
    assert not (folder / FILE).exists()
    assert contents(get()) == {"tool-prod": PROGRAM}
    assert server.requested(path)[-1] == "bytes=1000-"


def test_a_killed_run_is_resumed_by_the_next(server, folder, get):
    path = f"/v1.2.3/{FILE}"
    server.stalls[path] = 20_000
    run = start_run(server, folder)
    assert server.stalled.wait(PATIENCE)
    part = folder / f".{FILE}.part"
    deadline = time.monotonic() + PATIENCE
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.kill()
    run.wait()
    arrived = part.stat().st_size
    assert 0 < arrived <= 20_000
    assert contents(get()) == {"tool-prod": PROGRAM}
    assert server.requested(path) == ["", f"bytes={arrived}-"]


def test_a_file_that_changed_meanwhile_is_downloaded_anew(server, folder, get):
    path = f"/v1.2.3/{FILE}"
    server.cuts[path] = [1000, 1000, 1000]
    error_of(get)
    changed = tar_gz({"tool-prod": b"changed"})
    publish(server, changed)
    (folder / CHECKSUMS).unlink()
    assert contents(get()) == {"tool-prod": b"changed"}


def test_two_runs_at_once_make_one_download(server, folder):
    path = f"/v1.2.3/{FILE}"
    server.stalls[path] = 20_000
    runs = [start_run(server, folder) for _number in range(2)]
    assert server.stalled.wait(PATIENCE)
    time.sleep(0.5)  # the other run had time to ask as well
    server.go_on.set()
    printed = [run.communicate(timeout=PATIENCE)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert printed[0] == printed[1] != ""
    assert server.requests == [(f"/v1.2.3/{CHECKSUMS}", ""), (path, "")]


def start_run(server: Any, folder: Path) -> subprocess.Popen[str]:
    program = (
        "import sys; from pathlib import Path\n"
        "from ansible_collections.meridian.metrics.plugins.plugin_utils import archives, releases\n"
        "archive = releases.Archive('tools', '1.2.3', 'tools-linux-{arch}-v{version}.tar.gz',\n"
        "    sys.argv[1], 'tools-linux-{arch}-v{version}_checksums.txt')\n"
        "print(archives.obtain(archive, 'tool-prod', version='1.2.3', arch='amd64',\n"
        "    archive_dir=Path(sys.argv[2]), mirror=None))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, tools(server).url, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


# Checksums


def test_an_archive_that_is_not_the_releases_is_refused_and_left_alone(folder, get):
    put(folder, b"something else")
    assert error_of(get) == (
        f"'{folder / FILE}' has the SHA-256 {sha256(b'something else')}, "
        f"but {CHECKSUMS} says {SHA256}; "
        f"delete it to download it again, or put the release's own file there"
    )
    assert (folder / FILE).read_bytes() == b"something else"


def test_a_download_that_is_not_the_releases_is_discarded(server, folder, get):
    server.files[f"/v1.2.3/{FILE}"] = b"something else"
    assert error_of(get) == (
        f"the download of {server.url}/v1.2.3/{FILE} has the SHA-256 "
        f"{sha256(b'something else')}, but {CHECKSUMS} says {SHA256}; it was discarded"
    )
    assert [path.name for path in folder.iterdir() if "tar.gz" in path.name] == []


def test_a_pinned_sum_wins_over_the_checksum_file(server, folder, get):
    put(folder, checksum="0" * 64)
    assert contents(get(sha256=SHA256.upper())) == {"tool-prod": PROGRAM}
    message = error_of(get, sha256="1" * 64)
    assert message == (
        f"'{folder / FILE}' has the SHA-256 {SHA256}, but the pinned one is {'1' * 64}; "
        f"delete it to download it again, or put the release's own file there"
    )
    assert server.requests == []


def test_a_sum_pinned_in_the_archive_entry_counts_for_its_architecture(server, folder, get):
    put(folder, checksum=None)
    archive = tools(server)
    pinned = Archive(
        archive.name,
        archive.version,
        archive.file,
        archive.url,
        archive.checksums,
        sha256={"amd64": SHA256},
    )
    assert contents(get(archive=pinned)) == {"tool-prod": PROGRAM}
    assert server.requests == []


def test_a_pinned_sum_must_be_one(get):
    assert error_of(get, sha256="abc") == f"SHA-256 'abc' of {FILE} is not 64 hexadecimal digits"


def test_without_a_sum_beside_it_the_releases_own_is_downloaded(server, folder, get):
    put(folder, checksum=None)
    assert contents(get()) == {"tool-prod": PROGRAM}
    assert server.requests == [(f"/v1.2.3/{CHECKSUMS}", "")]
    assert (folder / CHECKSUMS).read_text() == f"{SHA256}  {FILE}\n"


def test_without_any_sum_the_archive_is_refused_and_the_fix_named(server, folder, get):
    put(folder, checksum=None)
    del server.files[f"/v1.2.3/{CHECKSUMS}"]
    assert error_of(get) == (
        f"no checksum for '{folder / FILE}': {CHECKSUMS} is not beside it and "
        f"{server.url}/v1.2.3/{CHECKSUMS} cannot be used: HTTP 404 Not Found; "
        f"put that file into the folder, or pin the archive's SHA-256"
    )


def test_a_checksum_file_of_another_archive_is_refused(folder, get):
    put(folder)
    (folder / CHECKSUMS).write_text(f"{SHA256}  another.tar.gz\n{SHA256}  yet-another.tar.gz\n")
    assert error_of(get) == (
        f"'{folder / CHECKSUMS}' has no SHA-256 for {FILE}; "
        f"delete it to download it again, or put the release's own file there"
    )


@pytest.mark.parametrize(
    "text",
    [f"{SHA256}\n", f"{SHA256} *{FILE}\n", f"{SHA256.upper()}  ./{FILE}\r\n"],
    ids=["the sum alone", "binary mode", "upper case and CRLF"],
)
def test_other_forms_of_checksum_files_are_understood(folder, get, text):
    put(folder)
    (folder / CHECKSUMS).write_text(text)
    assert contents(get()) == {"tool-prod": PROGRAM}


def test_an_archive_replaced_after_it_was_verified_is_verified_again(folder, get):
    put(folder)
    get()
    (folder / FILE).write_bytes(b"x" * len(ARCHIVE))
    assert error_of(get).startswith(f"'{folder / FILE}' has the SHA-256 ")


# Payloads


def test_a_second_call_unpacks_nothing(folder, get):
    put(folder)
    first = get()
    made = first.path.stat()
    assert get() == first
    assert (first.path.stat().st_ino, first.path.stat().st_mtime_ns) == (
        made.st_ino,
        made.st_mtime_ns,
    )


def test_a_damaged_cache_is_made_anew(folder, get):
    put(folder)
    payload = get()
    payload.path.write_bytes(b"cut")
    assert contents(get()) == {"tool-prod": PROGRAM}


def test_a_payload_is_the_same_bytes_on_every_controller(folder, get, tmp_path):
    put(folder)
    other = tmp_path / "other"
    other.mkdir()
    put(other)
    assert get(None).path.read_bytes() == get(None, archive_dir=other).path.read_bytes()


def test_versions_lie_side_by_side(server, folder, get):
    put(folder)
    old = get()
    newer = tar_gz({"tool-prod": b"newer"})
    name = FILE.replace("1.2.3", "1.2.10")
    server.files |= {
        f"/v1.2.10/{name}": newer,
        f"/v1.2.10/{CHECKSUMS.replace('1.2.3', '1.2.10')}": f"{sha256(newer)}  {name}".encode(),
    }
    assert contents(get(version="1.2.10")) == {"tool-prod": b"newer"}
    assert get() == old
    assert contents(old) == {"tool-prod": PROGRAM}


def test_a_missing_member_is_told_with_what_there_is(folder, get):
    put(folder)
    assert error_of(get, "gone-prod") == (
        f"'{folder / FILE}' does not hold 'gone-prod'; it holds: other-prod, tool-prod"
    )


@pytest.mark.parametrize("content", [b"no tar", ARCHIVE[:-20_000]], ids=["no tar", "cut"])
def test_a_damaged_archive_is_told(folder, get, content):
    put(folder, content, checksum=sha256(content))
    assert error_of(get).startswith(f"'{folder / FILE}' is damaged or not a tar archive: ")


def test_an_unsupported_architecture_is_told_with_the_supported_ones(get):
    assert error_of(get, arch="riscv64") == (
        "tools has no release for architecture 'riscv64'; it has: amd64, arm64"
    )


@pytest.mark.parametrize("version", ["v1.2.3", "", "../1", "1/2", "latest"])
def test_what_is_not_a_version_is_refused(get, version):
    assert error_of(get, version=version) == (
        f"version '{version}' of tools is not a version; write it as in 1.2.3"
    )


@pytest.mark.parametrize("mirror", ["/srv/mirror", "ftp://host/", "file:///srv", "http://"])
def test_what_is_not_a_web_address_is_no_mirror(get, mirror):
    assert error_of(get, mirror=mirror) == (
        f"mirror '{mirror}' must be a URL that starts with http:// or https://"
    )


def test_a_password_in_the_mirrors_url_is_refused_without_repeating_it(get):
    assert error_of(get, mirror="https://user:secret@mirror.example/x") == (
        "mirror 'mirror.example': a URL with a password is not supported"
    )


def test_a_folder_that_cannot_be_used_is_told(folder, get):
    blocked = folder / "file"
    blocked.write_text("")
    assert error_of(get, archive_dir=blocked) == (
        f"archive folder '{blocked}' cannot be used: Not a directory "
        f"({blocked}/{CHECKSUMS}); free or permit it, or set meridian_archive_dir"
    )


@pytest.mark.parametrize(("machine", "arch"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_machine_types_have_a_release_architecture(machine, arch):
    assert arch_of(machine) == arch


def test_an_unknown_machine_type_is_told_with_the_known_ones():
    with pytest.raises(ArchiveError) as caught:
        arch_of("armv7l")
    assert str(caught.value) == (
        "machine type 'armv7l' has no release architecture; "
        "supported: aarch64 (arm64), x86_64 (amd64)"
    )

"""Build the images of the test hosts: Debian with systemd and SSH, like a small virtual machine."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import engine
from steps import LOGS, Failure, run, run_logged, say

# Image tag -> Debian's name of that release.
RELEASES = {"debian13": "trixie", "debian12": "bookworm"}
# What roles install from Debian, kept in the image as files. Debian 12 has a victoria-metrics too,
# but one that is too old for what Meridian does.
DOWNLOADED = {
    "debian13": [
        "victoria-metrics",
        "prometheus",
        "prometheus-alertmanager",
        "prometheus-blackbox-exporter",
        "prometheus-node-exporter",
        "python3-prometheus-client",
        "haproxy",
        "wireguard-go",
        "wireguard-tools",
        # for a test only: Grafana's database
        "postgresql",
    ],
    "debian12": [
        "haproxy",
        "prometheus-blackbox-exporter",
        "prometheus-node-exporter",
        "python3-prometheus-client",
        "wireguard-go",
        "wireguard-tools",
    ],
}
PROVISION = Path(__file__).with_name("provision_image.sh")
# A registry that takes longer than this for a base image of 50 MB is slower than debootstrap.
PULL_SECONDS = 45


def name(release: str) -> str:
    """Return the image of a release: `debian13` -> `meridian-host:debian13`."""
    return f"meridian-host:{release}"


def recipe() -> str:
    """Identify how images are made; one made differently is built again."""
    text = PROVISION.read_bytes() + repr((RELEASES, DOWNLOADED)).encode()
    return hashlib.sha256(text).hexdigest()[:16]


def is_current(release: str) -> bool:
    """Say whether the image exists and was made by this recipe."""
    form = '{{index .Config.Labels "meridian.recipe"}}'
    command = ["docker", "image", "inspect", "-f", form, name(release)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode == 0 and result.stdout.strip() == recipe()


def build(release: str) -> None:
    """Build the image of one release, such as `debian13`."""
    engine.need_root(f"The image {name(release)} must be built")
    with tempfile.TemporaryDirectory(prefix="meridian-image-", dir="/var/tmp") as folder:
        root = Path(folder) / "root"
        root.mkdir()
        if not unpack_official(RELEASES[release], root):
            debootstrap(RELEASES[release], root)
        provision(root, DOWNLOADED[release])
        say(f"    importing {name(release)}")
        command = (
            f"set -e; tar -C {root} --numeric-owner --one-file-system -c . | docker import"
            " --change 'CMD [\"/lib/systemd/systemd\"]'"
            f" --change 'ENV container=docker' --change 'LABEL meridian.recipe={recipe()}'"
            f" - {name(release)}"
        )
        run(["bash", "-o", "pipefail", "-c", command])


def unpack_official(codename: str, root: Path) -> bool:
    """Unpack Debian's official base image; False where no registry answers quickly."""
    image = f"debian:{codename}"
    try:
        run(["docker", "pull", "--quiet", image], timeout=PULL_SECONDS)
    except Failure:
        say(f"    {image} cannot be pulled here: building it with debootstrap")
        return False
    say(f"    unpacking {image}")
    container = run(["docker", "create", image]).strip()
    run(["bash", "-o", "pipefail", "-c", f"docker export {container} | tar -C {root} -x"])
    run(["docker", "rm", container])
    return True


def debootstrap(codename: str, root: Path) -> None:
    """Build a minimal Debian from this machine's own package mirror."""
    if not shutil.which("debootstrap"):
        engine.install(["debootstrap"])
    say(f"    debootstrap {codename} (about a minute)")
    command = ["debootstrap", "--variant=minbase", codename, str(root), *mirror()]
    run_logged(
        command,
        LOGS / f"debootstrap-{codename}.log",
        advice="Check that this machine's Debian mirror carries that release, then run it again.",
    )


def mirror() -> list[str]:
    """Return the Debian mirror of this machine's apt, if it has one; debootstrap has a default."""
    if not shutil.which("apt-get"):
        return []
    form = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    targets = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    return parse_mirror(targets)


def parse_mirror(targets: str) -> list[str]:
    """Pick Debian's main archive from lines of `origin|label|address`."""
    lines = (line.split("|") for line in targets.splitlines())
    return [address for origin, label, address in lines if origin == label == "Debian"][:1]


def apt_proxy() -> str:
    """Return this machine's own apt proxy settings as apt configuration, or nothing."""
    if not shutil.which("apt-config"):
        return ""
    dump = run(["apt-config", "dump"])
    found = re.findall(r"^Acquire::https?::Proxy .*\n", dump, flags=re.MULTILINE)
    return "".join(found)


def provision(root: Path, packages: list[str]) -> None:
    """Turn a minimal Debian into a host."""
    say("    installing systemd and SSH, downloading the packages that tests install")
    if proxy := apt_proxy():
        (root / "etc/apt/apt.conf.d/91proxy").write_text(proxy)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    # A package must not start anything while it is installed in here.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    shutil.copy(PROVISION, root / "provision")
    run_logged(
        ["chroot", str(root), "sh", "/provision", *packages],
        LOGS / "provision-image.log",
        advice="Check that this machine's Debian mirror can be reached, then run it again.",
    )
    (root / "provision").unlink()
    policy.unlink()

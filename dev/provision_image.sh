#!/bin/sh
# Runs inside the root file system of a Debian base and makes a host of it: systemd, SSH, Python,
# and the packages that the tests install, downloaded. Arguments: the packages to download.
set -eu
export DEBIAN_FRONTEND=noninteractive

# Small and quick: nobody reads manuals here, and the file system is thrown away.
rm -f /etc/apt/apt.conf.d/docker-clean
cat >/etc/apt/apt.conf.d/90meridian <<'APT'
APT::Install-Recommends "false";
Acquire::Languages "none";
Binary::apt-get::APT::Keep-Downloaded-Packages "true";
APT
cat >/etc/dpkg/dpkg.cfg.d/90meridian <<'DPKG'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
DPKG

apt-get update -qq
apt-get install -y -qq systemd systemd-sysv python3 iproute2 nftables procps ca-certificates curl openssh-server
apt-get clean
rm -rf /usr/share/doc/* /usr/share/man/* /usr/share/locale/*

# The packages that roles install: on the disk already, so that a test does not wait for a mirror.
apt-get install -y -qq --download-only "$@"

# Root comes in by a key that is mounted when the host starts. Without PAM a login takes no time.
cat >/etc/ssh/sshd_config.d/meridian.conf <<'SSH'
AuthorizedKeysFile /root/.ssh/authorized_keys
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UseDNS no
UsePAM no
MaxStartups 100
MaxSessions 100
SSH
mkdir -p -m 0700 /root/.ssh

# What a container has no use for, so that it boots in a second.
for unit in \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  e2scrub_reap.service systemd-tmpfiles-clean.timer \
  console-getty.service getty.target getty@tty1.service systemd-logind.service \
  systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
  systemd-udev-trigger.service systemd-modules-load.service systemd-sysctl.service \
  systemd-remount-fs.service systemd-firstboot.service systemd-binfmt.service \
  systemd-machine-id-commit.service systemd-update-utmp.service systemd-random-seed.service \
  systemd-network-generator.service systemd-networkd.service systemd-resolved.service \
  dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target

# Every host gets its own.
: >/etc/machine-id
rm -f /etc/hostname

#!/bin/sh
# Makes the disk of a bare Debian that boots in an emulator, and its kernel beside it.
#
#   debian.sh RELEASE ARCHITECTURE DIRECTORY
#
# The directory holds key.pub, with which root is reached by ssh; it gets disk.img, vmlinuz and
# initrd. Whoever changes a byte of this file gets another disk.
set -eu

release=$1
architecture=$2
place=$(cd "$3" && pwd)
root=$place/root
size=4G

packages=systemd,systemd-sysv,udev,dbus,linux-image-$architecture,initramfs-tools,kmod
packages=$packages,openssh-server,systemd-timesyncd,iproute2,e2fsprogs,procps,ca-certificates
packages=$packages,python3,python3-venv,git,sudo

# What the kernel has to unpack at each boot is little, and is packed at once: as Debian has it, it
# would be packed twice, with all that any machine may have. What belongs to another kind of
# computer, such as dpkg, is run by qemu-user-static; debootstrap itself is this one's, which is why
# it is not told to leave its second stage to the other.
make_root() {
    install -d "$root/etc/initramfs-tools/conf.d"
    echo MODULES=list >"$root/etc/initramfs-tools/conf.d/machine"
    printf 'virtio_pci\nvirtio_mmio\nvirtio_blk\next4\n' >"$root/etc/initramfs-tools/modules"
    debootstrap --variant=minbase --arch="$architecture" --include="$packages" "$release" "$root"
    rm -rf "$root"/var/cache/apt/archives/*.deb
}

# What a network card, a person and a Raspberry Pi OS bring along.
furnish() {
    echo p1-machine >"$root/etc/hostname"
    echo "127.0.1.1 p1-machine" >>"$root/etc/hosts"
    echo "/dev/vda / ext4 defaults,noatime 0 1" >"$root/etc/fstab"
    echo "nameserver 10.0.2.3" >"$root/etc/resolv.conf"
    printf '[Match]\nName=eth0\n[Network]\nDHCP=ipv4\n' >"$root/etc/systemd/network/eth0.network"
    chroot "$root" systemctl --quiet enable systemd-networkd
    # What would do its work in the middle of a test.
    chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer \
        dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
        systemd-networkd-wait-online.service
    chroot "$root" useradd --create-home --shell /bin/bash pi
    chmod 700 "$root/home/pi"
    echo "pi ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/pi"
    install -d -m 700 "$root/root/.ssh"
    install -m 600 "$place/key.pub" "$root/root/.ssh/authorized_keys"
}

# The registries are reached as they are here.
introduce() {
    [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
}

make_disk() {
    cp "$root"/boot/vmlinuz-* "$place/vmlinuz"
    cp "$root"/boot/initrd.img-* "$place/initrd"
    mkfs.ext4 -q -d "$root" "$place/disk.img" "$size"
    rm -rf "$root"
}

[ -d "$root" ] || make_root
furnish
introduce
make_disk

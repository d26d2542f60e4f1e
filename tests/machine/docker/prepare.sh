#!/bin/sh
# Puts Docker into a machine, as Debian has it, and the images that infra/ is made from: no registry
# is asked. The machine itself, with Debian's Python, stands in for the image of Python's makers,
# and an influxd that was built elsewhere for that of InfluxDB's.
#
#   prepare.sh CHECKOUT INFLUXD
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
checkout=$1
influxd=$2
root=/var/tmp/root.tar

python=$(sed -n 's/^FROM \(.*\) AS build$/\1/p' "$checkout/infra/Dockerfile")
influxdb=$(sed -n 's/^ *image: \(influxdb:.*\)$/\1/p' "$checkout/infra/compose.yaml")

ln -sf python3 /usr/bin/python
tar --create --file "$root" --directory / --one-file-system --exclude='./boot/*' \
    --exclude='./usr/lib/modules/*' --exclude='./opt/*' --exclude='./home/*' --exclude='./tmp/*' \
    --exclude='./var/tmp/*' .
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends \
    docker.io docker-cli docker-compose docker-buildx iptables >/dev/null
docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' "$root" "$python"
rm "$root"
mv "$influxd" "$here/influxdb/influxd"
docker build --quiet --build-arg "BASE=$python" --tag "$influxdb" "$here/influxdb"
rm "$here/influxdb/influxd"
docker compose --file "$checkout/infra/compose.yaml" --profile meter build

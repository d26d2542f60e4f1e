// What the tests build `toxiproxy-server` from. It has no packages of its own.
module toxiproxy-build

go 1.23.0

require github.com/Shopify/toxiproxy/v2 v2.12.0
